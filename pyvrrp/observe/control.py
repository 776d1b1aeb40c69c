"""The control socket: how a running daemon is asked for its picture, and told to record.

A Unix stream socket a daemon, named after the supervisor's process id. The caller sends one line of JSON and gets
one line back, then the connection ends. A daemon that takes longer sends blanks meanwhile, to be told from a dead one::

    {"version": 1, "request": "picture"}
    {"version": 1, "pyvrrp": "0.1.0", "picture": {…}}   or   {"version": 1, "pyvrrp": "0.1.0", "error": "…"}

    {"version": 1, "request": "record", "role": "vrrp", "wish": {"path": "/tmp/x", "size": 1000000, "duration": null}}
    {"version": 1, "pyvrrp": "0.1.0", "done": "…"}

Without a `wish` the recording of that role ends.

VERSION goes up with every change to the shape of `Picture`, so that a `pyvrrp show` of another release than the
daemon's says just that. Both ends of the protocol are here; the daemon adds only the socket it listens on.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from pyvrrp import __version__
from pyvrrp.observe.codec import JSON, MismatchError, from_json, to_json
from pyvrrp.observe.picture import Picture
from pyvrrp.units import Micros

SOCKET_DIRECTORY: Final = "/run/pyvrrp"
"""Belongs to root; the sockets in it are root's, and open to GROUP where there is such a group."""
GROUP: Final = "pyvrrp"
"""Its members may ask for the picture; to have the daemon record is root's alone."""
VERSION: Final = 1
REQUEST: Final = b'{"version": 1, "request": "picture"}\n'
REQUEST_LIMIT: Final = 4096
"""Longest request line a daemon needs to read, in bytes."""
_SUFFIX: Final = ".sock"


class ControlError(Exception):
    """Asking a daemon failed; the message is for the operator. Each kind has its own class."""


class NoDaemonError(ControlError):
    """Nobody listens there: no socket, or one that a dead daemon left behind."""


class NotAllowedError(ControlError):
    """The socket or its directory is not for this user."""


class SilentError(ControlError):
    """Somebody listens and does not answer, or not to the end, in time."""


class RefusedError(ControlError):
    """The daemon answered with an error."""


class VersionError(ControlError):
    """The daemon speaks another version of the protocol, or what it says is no picture of this release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordWish:
    """What to record to where."""

    path: str
    """Absolute, and of no file that exists."""
    size: int
    """Bytes after which the recording ends."""
    duration: Micros | None
    """Time after which it ends; None: no such limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRequest:
    """Begin a recording, or (None) end it."""

    role: str
    """vrrp or checkers."""
    wish: RecordWish | None


Request = Literal["picture"] | RecordRequest


class BadRequestError(ValueError):
    """A line that is no request; the message is for the caller."""


def socket_path(pid: int, directory: str = SOCKET_DIRECTORY) -> str:
    """Where the daemon whose supervisor has this process id listens."""
    return os.path.join(directory, f"{pid}{_SUFFIX}")


def read_request(line: bytes) -> Request:
    """The daemon's side. BadRequestError."""
    try:
        message = json.loads(line)
        version, wanted = message["version"], message["request"]
    except (ValueError, TypeError, KeyError) as error:
        raise BadRequestError("not a request") from error
    if version != VERSION:
        raise BadRequestError(f"this daemon speaks version {VERSION} of the protocol, not {version}")
    if wanted == "picture":
        return "picture"
    if wanted != "record":
        raise BadRequestError(f"unknown request {wanted!r}")
    try:
        return from_json(RecordRequest, {"role": message.get("role"), "wish": message.get("wish")})
    except MismatchError as error:
        raise BadRequestError(f"record: {error}") from error


def picture_line(picture: Picture, parts: Mapping[str, bytes] = MappingProxyType({})) -> bytes:
    """`parts`: JSON of fields which the picture lacks (None), unread: that of 40,000 checkers is 16 MB."""
    members = _object(to_json(picture))
    for name in parts:
        del members[name]
    line = _line({"picture": members})
    more = b"".join(b',"%s":%s' % (name.encode(), text) for name, text in parts.items())
    return line.removesuffix(b"}}\n") + more + b"}}\n"


def done_line(text: str) -> bytes:
    return _line({"done": text})


def error_line(text: str) -> bytes:
    return _line({"error": text})


def _line(members: dict[str, object]) -> bytes:
    return json.dumps({"version": VERSION, "pyvrrp": __version__, **members}, separators=(",", ":")).encode() + b"\n"


def ask(path: str, timeout: float = 2.0) -> Picture:
    """The picture of the daemon that listens at `path`. ControlError; also after so many seconds of silence."""
    message, release = _answered(path, REQUEST, timeout)
    try:
        return from_json(Picture, message.get("picture"))
    except MismatchError as error:
        raise VersionError(
            f"the daemon at {path} is pyvrrp {release}, this command is pyvrrp {__version__},"
            f" and they differ ({error}): restart the daemon"
        ) from error


def order_recording(path: str, request: RecordRequest, timeout: float = 5.0) -> str:
    """Have the daemon begin or end a recording; what it says of it. ControlError."""
    message, _ = _answered(path, _line({"request": "record", **_object(to_json(request))}), timeout)
    return str(message.get("done"))


def _object(encoded: JSON) -> dict[str, JSON]:
    assert isinstance(encoded, dict)
    return encoded


def _answered(path: str, request: bytes, timeout: float) -> tuple[dict[str, Any], str]:
    """The daemon's answer, and its release."""
    try:
        message = json.loads(_converse(path, request, timeout))
        version = message["version"]
    except (ValueError, TypeError, KeyError) as error:
        raise VersionError(f"what listens at {path} does not speak pyvrrp's protocol") from error
    release = message.get("pyvrrp", "of an unknown release")
    if version != VERSION:
        raise VersionError(
            f"the daemon at {path} is pyvrrp {release} (protocol {version}), this command is pyvrrp {__version__}"
            f" (protocol {VERSION}): use the same release of both"
        )
    if "error" in message:
        raise RefusedError(f"the daemon at {path} says: {message['error']}")
    return message, release


def sockets(directory: str = SOCKET_DIRECTORY) -> list[str]:
    """Paths of the sockets in the directory, by process id, those that dead daemons left behind among them.

    NotAllowedError where the directory may not be read.
    """
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    except PermissionError as error:
        raise NotAllowedError(f"{directory} may not be read") from error
    pids = sorted(int(name.removesuffix(_SUFFIX)) for name in names if is_ours(name))
    return [socket_path(pid, directory) for pid in pids]


def is_ours(name: str) -> bool:
    """Whether a socket of that name is a daemon's."""
    stem = name.removesuffix(_SUFFIX)
    return stem != name and stem.isascii() and stem.isdigit()


def _converse(path: str, request: bytes, timeout: float) -> bytes:
    """What came back for the request, to the end of the line."""
    chunks: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        try:
            connection.settimeout(timeout)
            connection.connect(path)
            connection.sendall(request)
            while not (chunks and chunks[-1].endswith(b"\n")):
                chunk = connection.recv(1 << 20)
                if not chunk:
                    raise SilentError(f"the daemon at {path} ended the conversation without an answer")
                chunks.append(chunk)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError) as error:
            raise NoDaemonError(f"no daemon listens at {path}") from error
        except PermissionError as error:
            raise NotAllowedError(f"{path} is not open to this user") from error
        except TimeoutError as error:
            raise SilentError(f"the daemon at {path} did not answer within {timeout:g} s") from error
        except OSError as error:
            raise SilentError(f"the conversation with the daemon at {path} broke off: {error.strerror}") from error
    return b"".join(chunks)
