"""What a worker process and the role it plays ask of each other.

A worker (`worker.py`) is a process with an event loop, a log and a line to the supervisor. The role
is what makes it vrrp or checkers; it knows nothing of processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:  # no worker pays for the other's snapshot
    from pyvrrp.core.log import Level
    from pyvrrp.core.lvs.snapshot import LvsSnapshot
    from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
    from pyvrrp.daemon.options import Options
    from pyvrrp.model.config import Config
    from pyvrrp.units import Micros

Snapshot = TypeVar("Snapshot", "VrrpSnapshot", "LvsSnapshot", contravariant=True)


class Host(Protocol):
    """The worker, as its role sees it."""

    @property
    def options(self) -> Options: ...

    def log(self, level: Level, text: str) -> None:
        """One line to syslog and, where asked for, the console. Never blocks."""
        ...

    def mail(self, subject: str, body: str) -> None:
        """Have the supervisor send a mail. Never blocks."""
        ...

    def changed(self) -> None:
        """Something happened that a successor must know: send the supervisor a fresh snapshot."""
        ...

    def late(self, by: Micros) -> None:
        """A timer was looked at so long after it ran out."""
        ...

    def begun(self, machine: Any, origin: object) -> Callable[[Any], list[Any]]:
        """What to give events to: the machine's own `handle`, or a recorder before it.

        `origin`: what the machine was made of, where nothing has happened to it yet; None otherwise.
        """
        ...


class Role(Protocol, Generic[Snapshot]):
    """One worker's job. All methods are called in the worker's running event loop."""

    def start(self, config: Config, previous: Snapshot | None) -> None:
        """Begin. `previous`: the last snapshot of a worker that died and is replaced by this one.

        KernelError from here ends the worker as a permanent error, with the message that an operator can act on.
        """
        ...

    def reload(self, config: Config) -> None:
        """Go over to another configuration; what did not change goes on undisturbed."""
        ...

    async def stop(self) -> None:
        """Leave nothing behind in the kernel (as far as the options allow)."""
        ...

    def pieces(self, *, full: bool) -> Iterator[str]:
        """The snapshot as JSON (`codec.in_pieces`); `full`: with what the kernel counts."""
        ...

    @property
    def machine(self) -> Any:
        """The router or the balancer."""
        ...

    def hear_through(self, handle: Callable[[Any], list[Any]]) -> None:
        """From now on give events to this."""
        ...
