"""The connection synchronisation of IPVS that follows an instance: master where it is MASTER, backup elsewhere.

The vrrp worker moves it, not the checkers worker: it is the first to know, and it lives as long as the instance does,
with or without virtual servers. It does so after advertisements, addresses and gratuitous ARP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from pyvrrp.core.log import Level
from pyvrrp.core.lvs.ipvs_settings import SyncRole, plan_sync
from pyvrrp.errors import KernelError
from pyvrrp.kernel.api import Ipvs
from pyvrrp.model.config import Config
from pyvrrp.model.globals import SyncDaemon
from pyvrrp.model.vrrp import State

_ENDED = frozenset({State.STOP.name, State.DELETED.name})


def followed(config: Config) -> SyncDaemon | None:
    """The daemon that follows an instance, with its id; None where there is none."""
    sync = config.global_defs.ipvs.lvs_sync_daemon if config.global_defs.ipvs else None
    instance = next((i for i in config.vrrp_instances if sync and sync.instance == i.name), None)
    if sync is None or instance is None:
        return None
    return sync if sync.id is not None else replace(sync, id=instance.virtual_router_id)


class SyncFollower:
    def __init__(self, ipvs: Ipvs, log: Callable[[Level, str], None]) -> None:
        self._ipvs = ipvs
        self._log = log
        self._daemon: SyncDaemon | None = None
        self._role: SyncRole | None = None
        """In which it should run."""
        self._problem = ""

    def watch(self) -> None:
        """Begin to hear when IPVS comes. That it goes is no matter: a daemon that runs keeps it there."""
        with suppress(KernelError):  # it is tried with the next change of state all the same
            asyncio.get_running_loop().add_reader(self._ipvs.watch(self._came), self._ipvs.read)

    def _came(self, gone: KernelError | None) -> None:
        if gone is None and self._problem:
            self._move()

    def configure(self, daemon: SyncDaemon | None) -> None:
        """What there is to move from now on."""
        if daemon != self._daemon:
            self._daemon = daemon
            if self._role is not None:
                self._move()

    def entered(self, instance: str, state: str) -> None:
        """An instance changed state."""
        if self._daemon is not None and instance == self._daemon.instance:
            role = SyncRole.MASTER if state == State.MASTER.name else SyncRole.BACKUP
            self._role = None if state in _ENDED else role
            self._move()

    def _move(self) -> None:
        """Have that run which should, and nothing else. What is refused is told once, and tried again with the next
        change of state, or when IPVS comes."""
        wanted = {self._role: self._daemon} if self._role is not None and self._daemon is not None else {}
        try:
            self._ipvs.ready()
            refused = self._ipvs.apply(plan_sync(wanted, self._ipvs.settings().daemons))
            problem = "; ".join(str(error) for _, error in refused)
        except KernelError as error:
            problem = str(error)
        if problem and problem != self._problem:
            self._log(Level.ERROR, f"IPVS: connections are not synchronised: {problem}")
        elif self._role is not None and not problem:
            self._log(Level.INFO, f"IPVS: connection synchronisation runs as {self._role.name.lower()}")
        self._problem = problem
