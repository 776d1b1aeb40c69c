"""Waits for the sockets of many checks at once, and for their time limits.

A check of a server that is well lives for a millisecond, and there are thousands of them a second: what asyncio takes
to watch one socket (a handle, a selector key, a timer for its limit, a task) is more than the check itself. Here all
sockets are in one epoll set, which is the only thing that the event loop watches, and all limits behind one timer.
"""

from __future__ import annotations

import asyncio
import select
import socket
from abc import abstractmethod
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final

from pyvrrp.checkers.outcome import Done, Outcome

_SWEPT: Final = 2
"""Limits of conversations that have ended are dropped faster than others come."""
IN: Final = select.EPOLLIN
OUT: Final = select.EPOLLOUT


class Conversation:
    """A check that talks through one socket; its own time limit runs from `wait` on."""

    __slots__ = ("_done", "ended", "limit", "socket", "watcher")

    def __init__(self, watcher: Watcher, opened: socket.socket, done: Done) -> None:
        self.watcher = watcher
        self.socket = opened
        self.limit = 0.0
        self.ended = False
        self._done = done

    @abstractmethod
    def ready(self) -> None:
        """The socket has what was waited for, or an error."""

    @abstractmethod
    def late(self) -> None:
        """The limit has passed."""

    def end(self, outcome: Outcome) -> None:
        self.cancel()
        self._done(outcome)

    def cancel(self) -> None:
        if not self.ended:
            self.ended = True
            self.watcher.forget(self.socket.fileno())
            self.socket.close()  # which takes it out of the epoll set


class Watcher:
    """One for all checks of a process; made in the running event loop."""

    def __init__(self, hold: Callable[[], None] = lambda: None, go_on: Callable[[], None] = lambda: None) -> None:
        """`hold` is called before conversations have their turn and `go_on` after it: then others may begin."""
        self._hold = hold
        self._go_on = go_on
        self._loop = asyncio.get_running_loop()
        self._epoll = select.epoll()
        self._waiting: dict[int, Conversation] = {}
        self._limits: list[tuple[float, int, Conversation]] = []
        """A heap. A limit may have moved on, or its conversation ended: looked at when its turn comes."""
        self._serial = 0
        self._timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._epoll.fileno(), self._ready)

    def close(self) -> None:
        """All conversations must have ended."""
        if self._timer is not None:
            self._timer.cancel()
        self._limits.clear()  # they know us
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def watch(self, conversation: Conversation, event: int, limit: float) -> None:
        """Call `ready` whenever the socket has that, and `late` once `limit` seconds have passed from now on."""
        descriptor = conversation.socket.fileno()
        self._waiting[descriptor] = conversation
        self._epoll.register(descriptor, event)
        conversation.limit = until = self._loop.time() + limit
        self._serial += 1
        heappush(self._limits, (until, self._serial, conversation))
        for _ in range(_SWEPT):  # or all that ended in time would be cleared away together
            if self._limits[0][2].ended:
                heappop(self._limits)
        if self._timer is None or until < self._timer.when():
            self._set_timer()

    def turn(self, conversation: Conversation, event: int, limit: float) -> None:
        """Wait for something else; the limit starts anew."""
        self._epoll.modify(conversation.socket.fileno(), event)
        self.extend(conversation, limit)

    def extend(self, conversation: Conversation, limit: float) -> None:
        """Start the limit anew. It must be the one that was given to `watch`, or a longer one."""
        conversation.limit = self._loop.time() + limit

    def forget(self, descriptor: int) -> None:
        self._waiting.pop(descriptor, None)

    def _ready(self) -> None:
        self._hold()
        # No check is begun while these are gone through (`Done`), so no descriptor changes its owner meanwhile.
        for descriptor, _ in self._epoll.poll(0):
            conversation = self._waiting.get(descriptor)
            if conversation is not None:
                conversation.ready()
        self._go_on()

    def _set_timer(self) -> None:
        limits = self._limits
        while limits and limits[0][2].ended:
            heappop(limits)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if limits:
            self._timer = self._loop.call_at(limits[0][0], self._judge)

    def _judge(self) -> None:
        self._timer = None
        self._ready()  # who answered in time must not suffer from our being late
        self._hold()
        now = self._loop.time()
        limits = self._limits
        while limits and (limits[0][0] <= now or limits[0][2].ended):
            _, serial, conversation = heappop(limits)
            if conversation.ended:
                continue
            if conversation.limit > now:
                heappush(limits, (conversation.limit, serial, conversation))
            else:
                conversation.late()
        self._set_timer()
        self._go_on()
