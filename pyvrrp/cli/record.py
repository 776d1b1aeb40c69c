"""`pyvrrp record`: has a running daemon record everything that happens to one of its workers (docs/record.md)."""

from __future__ import annotations

import os
import sys
from typing import Final

from pyvrrp.observe.control import ControlError, RecordRequest, RecordWish, order_recording
from pyvrrp.observe.selection import find
from pyvrrp.units import Micros

REFUSED: Final = 1
"""And whatever the daemon's reason is."""


def start(
    path: str, *, role: str, megabytes: int, duration: Micros | None, socket: str | None, netns: str | None
) -> int:
    """The exit status."""
    wish = RecordWish(path=os.path.abspath(path), size=megabytes << 20, duration=duration)
    return _order(RecordRequest(role=role, wish=wish), socket, netns)


def stop(*, role: str, socket: str | None, netns: str | None) -> int:
    """The exit status."""
    return _order(RecordRequest(role=role, wish=None), socket, netns)


def _order(request: RecordRequest, socket: str | None, netns: str | None) -> int:
    try:
        found = find(path=socket, netns=netns, like=None)
        print(order_recording(found.path, request))  # noqa: T201
    except ControlError as error:
        print(f"pyvrrp record: {error}", file=sys.stderr)  # noqa: T201
        return REFUSED
    return 0
