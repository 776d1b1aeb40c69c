"""A configuration that goes to a worker which has most of it already.

Ten thousand real servers take longer to write, send and read than the one that was added; and what the worker keeps
as the very same object it need not look at.
"""

from __future__ import annotations

from dataclasses import replace

from pyvrrp.daemon.channel import Reload
from pyvrrp.model.config import Config


def abridged(old: Config, new: Config) -> Reload:
    """The order to go over from `old` to `new`, with only those virtual servers that are not in `old`."""
    places = {virtual.key: place for place, virtual in enumerate(old.virtual_servers)}
    order: list[int] = []
    changed = []
    for virtual in new.virtual_servers:
        place = places.get(virtual.key, -1)
        if place >= 0 and old.virtual_servers[place] == virtual:
            order.append(place)
        else:
            order.append(-1)
            changed.append(virtual)
    return Reload(replace(new, virtual_servers=tuple(changed)), tuple(order))


def complete(reload: Reload, old: Config) -> Config:
    """The configuration that the order means, for a worker that has `old`."""
    changed = iter(reload.config.virtual_servers)
    return replace(
        reload.config,
        virtual_servers=tuple(
            old.virtual_servers[place] if place >= 0 else next(changed) for place in reload.virtual_servers
        ),
    )
