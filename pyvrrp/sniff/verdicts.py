"""Would we believe it? Asked of the daemon's own admission, for the instance that it is for."""

from __future__ import annotations

from pyvrrp.core.vrrp.admission import admit
from pyvrrp.core.vrrp.credentials import Clock, Credentials, credentials
from pyvrrp.core.vrrp.events import DatagramReceived
from pyvrrp.core.vrrp.reasons import Rejected
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.sniff.frames import Advert
from pyvrrp.units import Micros


class Judge:
    """The instances of a configuration, each with what it has seen of signatures."""

    def __init__(self, config: Config) -> None:
        self._instances = config.vrrp_instances
        clock = Clock()  # instants here are those of the wall
        self._credentials: dict[str, Credentials | None] = {
            instance.name: credentials(instance, clock, None) for instance in config.vrrp_instances
        }

    def judge(self, at: Micros, interface: str, advert: Advert) -> tuple[str, str | None]:
        """The instance (empty: there is none), and why it would be refused (None: it would be believed).

        `at`: microseconds since 1970. `interface`: where it was heard; empty: not known.
        """
        instance = self._instance(interface, advert)
        if instance is None:
            where = f" on {interface}" if interface else ""
            return "", f"no instance has virtual router id {advert.virtual_router_id}{where}"
        datagram = DatagramReceived(
            at,
            instance.interface,
            advert.source,
            advert.destination,
            advert.ttl,
            advert.payload,
            advert.protocol,
            advert.identification,
        )
        verdict = admit(instance, datagram, self._credentials[instance.name])
        if isinstance(verdict, Rejected):
            return instance.name, f"{verdict.reason.value}: {verdict.detail}"
        return instance.name, None

    def _instance(self, interface: str, advert: Advert) -> VrrpInstance | None:
        """The same choice as the router's; interfaces of a capture need not be ours."""
        found = [
            instance
            for instance in self._instances
            if (instance.virtual_router_id, instance.family) == (advert.virtual_router_id, advert.source.version)
            and interface in ("", instance.interface)
        ]
        peers = (instance for instance in found if advert.source in instance.unicast_peer)
        return next(peers, found[0] if found else None)
