"""One real server of a virtual server: alive or not, and what IPVS should hold of it.

It goes down with the first checker that fails and comes up when the last one that failed recovers;
without checkers it is always up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pyvrrp.core.lvs.checking import Checking, Draw, identity
from pyvrrp.core.lvs.following import Following, SessionFollowing
from pyvrrp.core.lvs.ipvs_table import Destination, DestinationState
from pyvrrp.core.lvs.snapshot import RealServerSnapshot
from pyvrrp.model.checkers import Checker
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import WEIGHT_MAX, RealServer, ServiceKey
from pyvrrp.units import Micros

NewChecking = Callable[[Endpoint, Checker, bool], Checking]
"""Makes the machine of a checker of that real server, which begins up (True) or down."""


def display_name(endpoint: Endpoint, key: ServiceKey) -> str:
    """keepalived's name of a real server: ``[10.71.12.69]:tcp:15000``."""
    protocol = "none" if key.protocol is None else key.protocol.name.lower()
    return f"[{endpoint.address}]:{protocol}:{endpoint.port}"


@dataclass(slots=True, eq=False)
class Server:
    config: RealServer
    name: str
    """For the log."""
    since: Micros
    """When `alive` last changed."""
    checkers: list[Checking] = field(default_factory=list)
    followers: Sequence[Following] = ()
    alive: bool = True
    weight: int = 0
    """Effective: what is configured, and what scripts and files make of it."""

    def begin(self, at: Micros, new: NewChecking, followers: Sequence[Following] = ()) -> None:
        self.checkers = [
            new(self.config.endpoint, checker, not checker.timing.alpha) for checker in self.config.checkers
        ]
        self.followers = followers
        self.alive, self.weight = self._well(), self._weight()
        self.since = at

    def judge(self, at: Micros) -> bool:
        """Look at the checkers; True if that changed `alive` or `weight`."""
        alive, weight = self._well(), self._weight()
        if alive == self.alive and weight == self.weight:
            return False
        if alive != self.alive:
            self.alive, self.since = alive, at
        self.weight = weight
        return True

    def _well(self) -> bool:
        return all(checking.up for checking in self.checkers) and all(following.up for following in self.followers)

    def _weight(self) -> int:
        weight = self.config.weight
        for checking in self.checkers:
            weight += checking.contribution(self.config.weight)
        for following in self.followers:
            weight += following.contribution
        return max(0, min(WEIGHT_MAX, weight))

    def destination(self, in_use: bool) -> Destination | None:
        """What IPVS should hold; `in_use` is false while the sorry server stands in for the whole pool."""
        serving = self.alive and in_use
        if not serving and not self.config.inhibit_on_failure:
            return None
        return Destination(
            endpoint=self.config.endpoint,
            forwarding=self.config.forwarding,
            weight=self.weight if serving else 0,
            upper_threshold=self.config.upper_threshold,
            lower_threshold=self.config.lower_threshold,
            tunnel=self.config.tunnel,
        )

    def reconfigure(
        self, config: RealServer, at: Micros, new: NewChecking, draw: Draw, followers: Sequence[Following] = ()
    ) -> list[Checking]:
        """Go over to another configuration of the same server; returns the checkers that are no more.

        A checker that asks the same as before keeps its state. A new one begins up, as at start; with alpha it
        begins as the server is, so that a reload alone never takes a server down. `judge` must follow.
        """
        before: defaultdict[object, list[Checking]] = defaultdict(list)
        for checking in self.checkers:
            before[identity(checking.checker)].append(checking)
        heard = {old.subject: old.heard for old in self.followers if isinstance(old, SessionFollowing)}
        for following in followers:
            if isinstance(following, SessionFollowing):
                following.heard = heard.get(following.subject)
        self.config, self.checkers, self.followers = config, [], followers
        for checker in config.checkers:
            if same := before[identity(checker)]:
                checking = same.pop(0)
                checking.reconfigure(checker, at, draw)
            else:
                checking = new(config.endpoint, checker, self.alive or not checker.timing.alpha)
            self.checkers.append(checking)
        return [checking for same in before.values() for checking in same]

    def adopt(self, told: RealServerSnapshot) -> None:
        """Carry on where another process left off, as far as the checkers are the same."""
        states = {(state.kind, state.target): state for state in told.checkers}
        for checking in self.checkers:
            mine = checking.snapshot()
            if state := states.get((mine.kind, mine.target)):
                checking.adopt(state)
        self.alive, self.weight = self._well(), self._weight()
        if self.alive == told.alive:
            self.since = told.since

    def snapshot(self, in_pool: bool, kernel: DestinationState | None, table_read: bool) -> RealServerSnapshot:
        return server_snapshot(
            self.config.endpoint,
            forwarding=self.config.forwarding.name,
            alive=self.alive,
            since=self.since,
            in_pool=in_pool,
            weight=self.weight,
            checkers=[*self.checkers, *self.followers],
            kernel=kernel,
            table_read=table_read,
        )


def server_snapshot(
    endpoint: Endpoint,
    *,
    forwarding: str,
    alive: bool,
    since: Micros,
    in_pool: bool,
    weight: int,
    kernel: DestinationState | None,
    table_read: bool,
    checkers: Iterable[Checking | Following] = (),
    sorry: bool = False,
) -> RealServerSnapshot:
    """A server as shown, real or sorry, with the kernel's counters where there are any."""
    return RealServerSnapshot(
        address=str(endpoint),
        forwarding=forwarding,
        alive=alive,
        since=since,
        in_pool=in_pool,
        weight=weight,
        checkers=tuple(checking.snapshot() for checking in checkers),
        in_kernel=kernel is not None if table_read else None,
        active_connections=kernel.active_connections if kernel else 0,
        inactive_connections=kernel.inactive_connections if kernel else 0,
        traffic=kernel.traffic if kernel else None,
        sorry=sorry,
    )
