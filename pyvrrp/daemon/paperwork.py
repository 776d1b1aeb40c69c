"""What is written down and told when all that matters has been done: log lines, notify scripts, the connection
synchronisation that follows an instance."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final, assert_never

from pyvrrp.core.log import Level, Log
from pyvrrp.core.vrrp.actions import Report, ReportGroup, ReportLowerPriority, ReportPriority, ReportTransition
from pyvrrp.core.vrrp.snapshot import Transition, VrrpSnapshot
from pyvrrp.daemon.role import Host
from pyvrrp.daemon.vrrp_needs import tells
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import State

if TYPE_CHECKING:
    from pyvrrp.daemon.sync_follower import SyncFollower
    from pyvrrp.daemon.vrrp_teller import VrrpTeller

Tell = Callable[[Level, str], None]

_PAPERS: Final = 16
"""So many log lines and the like are written before the next look at the packets."""


class Paperwork:
    """A desk, and who works it off. What the configuration does not name is not loaded."""

    def __init__(self, host: Host, pressed: Callable[[], bool]) -> None:
        """`pressed`: does a deadline wait?"""
        self._host = host
        self.pressed = pressed
        self._desk: deque[tuple[Report, Tell]] = deque()
        self._teller: VrrpTeller | None = None
        self._sync: SyncFollower | None = None

    def configure(self, config: Config) -> None:
        if self._teller is None and tells(config):
            from pyvrrp.daemon.vrrp_teller import VrrpTeller

            self._teller = VrrpTeller(self._host)
        if self._teller is not None:
            self._teller.configure(config)
        self._follow(config)

    def _follow(self, config: Config) -> None:
        """Move the connection synchronisation of IPVS with its instance, where one is configured."""
        ipvs = config.global_defs.ipvs
        if self._sync is None and (ipvs is None or ipvs.lvs_sync_daemon is None):
            return
        from pyvrrp.daemon.sync_follower import SyncFollower, followed

        if self._sync is None:
            from pyvrrp.kernel.ipvs import LinuxIpvs
            from pyvrrp.kernel.netns import place

            self._sync = SyncFollower(LinuxIpvs(place(ipvs.net_namespace_ipvs if ipvs else None)), self._host.log)
            self._sync.watch()
        self._sync.configure(followed(config))

    def reloaded(self, snapshot: Callable[[], VrrpSnapshot]) -> None:
        """Tell where everybody is now, to those that want to hear it after a reload."""
        if self._teller is not None and self._teller.wants_states:
            self.finish()
            self._teller.states(snapshot())

    def put(self, reports: Iterable[Report], tell: Tell) -> None:
        """To be worked off in this order. `tell`: where log lines go."""
        idle = not self._desk
        self._desk.extend((report, tell) for report in reports)
        if idle:
            self._work_off()

    def _work_off(self) -> None:
        """Some of it, the rest when the loop has looked at everything else."""
        for _ in range(min(_PAPERS, len(self._desk))):
            self._tell(*self._desk.popleft())
            if self.pressed():
                break
        if self._desk:
            asyncio.get_running_loop().call_soon(self._work_off)

    def finish(self) -> None:
        while self._desk:
            self._tell(*self._desk.popleft())

    async def stop(self) -> None:
        self.finish()
        if self._teller is not None:
            await self._teller.settle()

    def _tell(self, entry: Report, tell: Tell) -> None:
        match entry:
            case Log(level, text):
                tell(level, text)
            case ReportTransition(transition):
                self._report(transition)
            case ReportGroup(name, state):
                if self._teller is not None:
                    self._teller.group(name, state)
            case ReportLowerPriority(name, priority):
                if self._teller is not None:
                    self._teller.lower_priority(name, priority)
            case ReportPriority(name, state, priority):
                if self._teller is not None:
                    self._teller.priority(name, state, priority)
            case _:
                assert_never(entry)

    def _report(self, transition: Transition) -> None:
        """keepalived's line, and before it why."""
        name = transition.instance
        self._host.log(Level.INFO, f"({name}) {transition.reason}")
        suffix = " (init)" if transition.old == State.INIT.name and transition.new == State.BACKUP.name else ""
        self._host.log(Level.NOTICE, f"({name}) Entering {transition.new} STATE{suffix}")
        if self._teller is not None:
            self._teller.instance(name, transition.new, transition.priority, transition.old, transition.reason)
        if self._sync is not None:
            self._sync.entered(name, transition.new)
        self._host.changed()
