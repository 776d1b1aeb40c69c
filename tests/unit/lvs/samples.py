"""Small configurations and a balancer to play with."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from pyvrrp.core.log import Log
from pyvrrp.core.lvs.actions import Action, ApplyTable, StartCheck
from pyvrrp.core.lvs.balancer import Balancer
from pyvrrp.core.lvs.events import CheckFinished, Event, Reconfigured, Started, TableRead, TimePassed
from pyvrrp.core.lvs.ipvs_table import Operation, Table
from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.model.checkers import CheckTiming, ConnectOptions, MiscCheck, TcpCheck
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Protocol, RealServer, ServiceKey, SorryServer, VirtualServer
from pyvrrp.units import SECOND, Micros


def endpoint(text: str) -> Endpoint:
    """``10.0.0.1:80``, ``fd00::1@80``."""
    host, port = text.rsplit("@" if "@" in text else ":", 1)
    return Endpoint(ip_address(host), int(port))


VIP = ServiceKey.of(endpoint("192.0.2.10:80"), Protocol.TCP)
RS1 = endpoint("10.0.0.1:80")
RS2 = endpoint("10.0.0.2:80")
RS3 = endpoint("10.0.0.3:80")
SORRY = SorryServer(endpoint=endpoint("10.0.0.9:80"))
TIMING = CheckTiming(delay_loop=6 * SECOND, retry=3, delay_before_retry=2 * SECOND, warmup=4 * SECOND)
NAME = "[192.0.2.10]:tcp:80"


def tcp_check(target: Endpoint, **timing: Any) -> TcpCheck:
    return TcpCheck(timing=replace(TIMING, **timing), connect=ConnectOptions(target=target))


def real_server(at: Endpoint, checks: int = 1, timing: dict[str, Any] | None = None, **options: Any) -> RealServer:
    checkers = tuple(tcp_check(Endpoint(at.address, at.port + extra), **(timing or {})) for extra in range(checks))
    return RealServer(endpoint=at, checkers=checkers, **options)


def virtual_server(*servers: RealServer, key: ServiceKey = VIP, **options: Any) -> VirtualServer:
    return VirtualServer(key=key, scheduler="rr", real_servers=servers, **options)


def config(*servers: VirtualServer, **global_defs: Any) -> Config:
    return Config(global_defs=GlobalDefs(**global_defs), virtual_servers=servers)


def target_of(check: StartCheck) -> Endpoint:
    assert not isinstance(check.checker, MiscCheck)
    return check.checker.connect.target


class Play:
    """A balancer, its clock, what it said and the IPVS table that its operations make."""

    def __init__(
        self,
        configuration: Config,
        *,
        table: Table | None = None,
        previous: LvsSnapshot | None = None,
        marking: bool = False,
    ) -> None:
        self.balancer = Balancer(seed=1)
        self.at: Micros = 100 * SECOND
        self.actions: list[Action] = []
        self.dead: set[Endpoint] = set()
        """Whose checks fail."""
        self.told(Started(self.at, configuration, previous, marking=marking))
        started = self.actions
        if table is not None:
            self.actions = [*started, *self.balancer.handle(TableRead(self.at, table))]

    def told(self, event: Event) -> list[Action]:
        """Hand over an event; returns (and keeps) what comes of it."""
        self.actions = self.balancer.handle(event)
        return self.actions

    @property
    def logs(self) -> list[str]:
        return [action.text for action in self.actions if isinstance(action, Log)]

    @property
    def operations(self) -> list[Operation]:
        return [op for action in self.actions if isinstance(action, ApplyTable) for op in action.operations]

    @property
    def weights(self) -> dict[str, int]:
        """What the only virtual server's pool should be."""
        ((_, pool),) = self.balancer.wanted().values()
        return {str(at): destination.weight for at, destination in pool.items()}

    def next_check(self, target: Endpoint | None = None) -> StartCheck:
        """Let time pass until a check (of that target) is due; the others come out as `dead` says."""
        while True:
            deadline = self.balancer.deadline()
            assert deadline is not None
            self.at = max(self.at, deadline)
            for action in self.told(TimePassed(self.at)):
                if isinstance(action, StartCheck):
                    if target is None or target_of(action) == target:
                        return action
                    self._finish(action)

    def check(self, target: Endpoint, error: str | None) -> list[Action]:
        """The next check of this target comes out like this, and so will the later ones."""
        (self.dead.add if error else self.dead.discard)(target)
        return self._finish(self.next_check(target))

    def take_down(self, target: Endpoint) -> list[Action]:
        for _ in range(10):
            self.check(target, "connection refused")
            if any(text.startswith(("Removing service", "Disabling service")) for text in self.logs):
                return self.actions
        raise AssertionError(f"{target} did not go down")

    def _finish(self, check: StartCheck) -> list[Action]:
        error = "connection refused" if target_of(check) in self.dead else None
        return self.told(CheckFinished(self.at, check.id, error))

    def reload(self, configuration: Config) -> list[Action]:
        return self.told(Reconfigured(self.at, configuration))
