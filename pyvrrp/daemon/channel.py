"""The line between the supervisor and a worker: a pair of Unix sockets that carries frames, and what the frames say.

A frame is its length (4 bytes, big-endian) and that many bytes. Downwards it is a pickled `Order`: both ends are
the same program, and whoever could forge an order is root already. A large configuration arrives as ready-made
values in a quarter of the time that parsing its text again would take (20000 real servers), from a worker that has
better things to do. Upwards it is JSON (`observe.codec`), so that a worker that talks to the network can only ever
tell its supervisor data. Told is followed by a line break and the snapshot, which the supervisor keeps unread until
somebody asks for it or a successor needs it.
"""

from __future__ import annotations

import json
import pickle
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from pyvrrp.daemon.options import Options
from pyvrrp.model.config import Config
from pyvrrp.observe.codec import from_json, to_json

if TYPE_CHECKING:
    import asyncio

    from pyvrrp.observe.control import RecordWish

_LENGTH: Final = 4
_CHUNK: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Start:
    """The first order: begin."""

    options: Options
    namespace: str | None
    """Named in the log's ident."""
    config: Config
    previous: bytes | None
    """The last snapshot of the worker that this one replaces, as it came."""


@dataclass(frozen=True, slots=True)
class Reload:
    """Go over to this configuration, then answer Reloaded (`abridged` writes it, `complete` reads it)."""

    config: Config
    """With those virtual servers only that the worker does not have."""
    virtual_servers: tuple[int, ...] = ()
    """All of them: places in the configuration that the worker has; -1: the next one of `config`."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Send a fresh snapshot."""

    number: int
    """Comes back in the Told that answers."""


@dataclass(frozen=True, slots=True)
class Record:
    """Begin a recording, or (None) end it, then answer Recorded."""

    number: int
    wish: RecordWish | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Clean up and exit."""


Order: TypeAlias = Start | Reload | Tell | Record | Stop


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker does its work."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker cannot start and is about to exit."""

    text: str
    """For the operator: what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    problem: str | None
    """What the kernel refused; None where all went well."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail is to be sent."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Told:
    """A snapshot follows."""

    answers: int | None
    """The number of the Tell; None where the worker speaks unasked, because something happened."""


@dataclass(frozen=True, slots=True)
class Recorded:
    answers: int
    """The number of the Record."""
    text: str
    """What was done; where `refused`, why not."""
    refused: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What a worker says; exactly one of its kinds."""

    body: Ready | Failed | Reloaded | Told | Mail | Recorded


def order_frame(order: Order) -> bytes:
    return pickle.dumps(order, protocol=pickle.HIGHEST_PROTOCOL)


def read_order(frame: bytes) -> Order:
    order = pickle.loads(frame)
    assert isinstance(order, Start | Reload | Tell | Record | Stop)
    return order


def report_frame(body: Ready | Failed | Reloaded | Told | Mail | Recorded, snapshot: bytes = b"") -> bytes:
    """The frame; `snapshot` (JSON, `codec.in_pieces`) goes with Told."""
    head = json.dumps(to_json(Report(body))).encode()
    return head + b"\n" + snapshot if snapshot else head


def read_report(frame: bytes) -> tuple[Ready | Failed | Reloaded | Told | Mail | Recorded, bytes]:
    """The report and, after Told, the unread snapshot. ValueError where it is neither."""
    head, _, snapshot = frame.partition(b"\n")
    return from_json(Report, json.loads(head)).body, snapshot


class Channel:
    """One end of the line. Sending never waits: what the socket does not take is kept until it does."""

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._out = bytearray()
        self._in = bytearray()
        self._received: Callable[[bytes], None] = lambda frame: None
        self._closed: Callable[[], None] = lambda: None

    @property
    def backlog(self) -> int:
        """Bytes that wait for the other end to read."""
        return len(self._out)

    def receive(self) -> bytes | None:
        """Wait for one frame, before there is a loop. None at the end of the line."""
        self._socket.setblocking(True)
        try:
            while (frame := self._next()) is None:
                if not self._read():
                    return None
        finally:
            self._socket.setblocking(False)
        return frame

    def attach(
        self, loop: asyncio.AbstractEventLoop, received: Callable[[bytes], None], closed: Callable[[], None]
    ) -> None:
        """From now on call `received` with each frame, and `closed` once when the other end has gone."""
        self._loop, self._received, self._closed = loop, received, closed
        loop.add_reader(self._socket, self._readable)
        if self._out:
            loop.add_writer(self._socket, self._flush)
        loop.call_soon(self._deliver)  # what came along with the frame that `receive` took

    def send(self, frame: bytes) -> None:
        """Queue the frame. After the other end has gone it goes nowhere; `closed` tells."""
        if self._socket.fileno() < 0:
            return
        waiting = bool(self._out)
        self._out += len(frame).to_bytes(_LENGTH, "big") + frame
        if not waiting:
            self._flush()
            if self._out and self._loop is not None:
                self._loop.add_writer(self._socket, self._flush)

    def drain(self) -> None:
        """Deliver what the other end sent before it went."""
        if self._socket.fileno() >= 0:
            while self._read_more():
                pass
            self._deliver()

    def close(self) -> None:
        """Silently, without a call of `closed`."""
        if self._socket.fileno() >= 0:
            if self._loop is not None:
                self._loop.remove_reader(self._socket)
                self._loop.remove_writer(self._socket)
            self._socket.close()

    def _flush(self) -> None:
        try:
            while self._out:
                with memoryview(self._out) as view:
                    sent = self._socket.send(view[:_CHUNK], socket.MSG_NOSIGNAL)
                del self._out[:sent]
        except BlockingIOError:
            return
        except OSError:
            self._out.clear()
        if self._loop is not None:
            self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        alive = self._read()
        self._deliver()
        if not alive and self._socket.fileno() >= 0:
            self.close()
            self._closed()

    def _read_more(self) -> bool:
        """Take what is there; False where there is nothing more."""
        before = len(self._in)
        return self._read() and len(self._in) > before

    def _read(self) -> bool:
        """Take what is there; False at the end of the line."""
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._in += data
        return bool(data)

    def _deliver(self) -> None:
        while (frame := self._next()) is not None:
            self._received(frame)

    def _next(self) -> bytes | None:
        if len(self._in) < _LENGTH:
            return None
        end = _LENGTH + int.from_bytes(self._in[:_LENGTH], "big")
        if len(self._in) < end:
            return None
        frame = bytes(self._in[_LENGTH:end])
        del self._in[:end]
        return frame
