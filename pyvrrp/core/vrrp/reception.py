"""What an instance makes of the datagrams that reach it, and what it says about them."""

from __future__ import annotations

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.admission import Accepted, admit
from pyvrrp.core.vrrp.complaints import Complaints
from pyvrrp.core.vrrp.credentials import Clock, Credentials, Marks, credentials
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.reasons import Rejected
from pyvrrp.core.vrrp.stats import Stats
from pyvrrp.model.vrrp import UnicastChecksum, VrrpInstance
from pyvrrp.net import Address


class Reception:
    """The instance's credentials, and what it has learned of its peers."""

    __slots__ = ("_clock", "_config", "_rejected", "credentials", "old_checksum")

    def __init__(self, config: VrrpInstance, clock: Clock) -> None:
        self._clock = clock
        self._config = config
        self.credentials: Credentials | None = credentials(config, clock, None)
        self._rejected: tuple[Rejected, Address] | None = None
        self.old_checksum: frozenset[Address] = frozenset()
        """Peers that compute their checksums the old way (`model.vrrp.UnicastChecksum`)."""

    @property
    def last_reject(self) -> str | None:
        """Why the last refused advertisement was refused, and whose it was."""
        if self._rejected is None:
            return None
        rejected, source = self._rejected
        return f"{rejected.reason.value} ({rejected.detail}), from {source}"

    def use(self, config: VrrpInstance) -> None:
        """A reload; what has been sent and seen stays known."""
        self._config = config
        self.credentials = credentials(config, self._clock, self.credentials)
        self.old_checksum &= frozenset(config.unicast_peer)

    def state(self) -> tuple[int, Marks]:
        """For a successor."""
        return (0, ()) if self.credentials is None else self.credentials.state()

    def skip(self, rounds: int) -> None:
        """A predecessor of which `state` is an old one was MASTER for so many intervals."""
        if self.credentials is not None:
            # An advertisement, and at most two answers to lower priorities, each with what `overtake` leaves out.
            self.credentials.skip(5 * (rounds + 1) * max(1, len(self._config.unicast_peer)))

    def restore(self, number: int, marks: Marks) -> None:
        if self.credentials is not None:
            self.credentials.restore(number, marks)

    def hear(
        self, datagram: DatagramReceived, stats: Stats, complaints: Complaints
    ) -> tuple[Accepted | None, list[Log]]:
        """The advertisement, counted, or None; and what is to be said."""
        advert = admit(self._config, datagram, self.credentials)
        if isinstance(advert, Rejected):
            counter = advert.reason.counter
            if counter is not None:
                setattr(stats, counter, getattr(stats, counter) + 1 + datagram.lost)
            self._rejected = advert, datagram.source
            return None, complaints.rejected(advert, datagram.source)
        stats.advert_rcvd += 1
        logs: list[Log] = []
        if advert.doubt is not None:
            logs = complaints.once("doubt", advert.source, Level.WARNING, f"{advert.source}: {advert.doubt}")
        if self._config.old_unicast_checksum is UnicastChecksum.AUTO and advert.old_checksum != (
            advert.source in self.old_checksum
        ):
            way = "old" if advert.old_checksum else "present"
            self.old_checksum ^= {advert.source}
            text = f"({self._config.name}) Setting unicast VRRPv3 checksum to {way} version for {advert.source}"
            logs.append(Log(Level.NOTICE, text))
        return advert, logs
