"""The snapshot of the balancer as JSON, made while it is written: no step is more than a few dozen real servers.

Tens of thousands of checkers are a second's work. Whoever writes it looks after the checks between two pieces; so each
virtual server is told as it is when its turn comes, and the kernel's counters are read then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from pyvrrp.core.lvs.balancer import Balancer
from pyvrrp.core.lvs.ipvs_table import DestinationState, Dump, ServiceState
from pyvrrp.core.lvs.virtual_server import Virtual
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import ServiceKey
from pyvrrp.observe.codec import in_pieces, whole

_STEP: Final = 32
"""A virtual server with more real servers is told server by server; one with more services reads so many at a time."""

ReadCounters = Callable[[Iterable[ServiceKey]], Dump | None]
"""What IPVS holds of these services; None: it cannot be read."""


def pieces(balancer: Balancer, read: ReadCounters) -> Iterator[str]:
    """`LvsSnapshot`, as `codec.in_pieces` gives it."""
    told = (_virtual(virtual, balancer, read) for virtual in balancer.virtuals())
    return in_pieces(balancer.outline(), virtual_servers=told)


def _virtual(virtual: Virtual, balancer: Balancer, read: ReadCounters) -> Iterator[str]:
    # It may be gone when its counters are read: what it wants is looked up first.
    wanted = {key: balancer.entry(key) for key in virtual.services}
    found: dict[ServiceKey, tuple[ServiceState, Mapping[Endpoint, DestinationState]]] = {}
    kernel: Dump | None = found
    keys = list(virtual.services)
    for start in range(0, len(keys), _STEP):
        part = read(keys[start : start + _STEP])
        if part is None:
            kernel = None
            break
        found |= part
        yield ""
    if len(virtual.servers) <= _STEP:
        yield whole(virtual.snapshot(kernel, wanted.__getitem__))
        return
    servers = ((whole(server),) for server in virtual.server_snapshots(kernel))
    yield from in_pieces(virtual.outline(kernel, wanted.__getitem__), real_servers=servers)
