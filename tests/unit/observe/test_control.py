from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pyvrrp.observe.codec import whole
from pyvrrp.observe.control import (
    REQUEST,
    BadRequestError,
    ControlError,
    NoDaemonError,
    RecordRequest,
    RecordWish,
    RefusedError,
    SilentError,
    VersionError,
    ask,
    done_line,
    error_line,
    order_recording,
    picture_line,
    read_request,
    socket_path,
    sockets,
)
from tests.unit.observe.pictures import PICTURE, WORST, envelope, serving


def test_a_picture_comes_through_the_socket(tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    with serving(path, WORST) as daemon:
        assert ask(str(path)) == WORST
        daemon.picture = PICTURE
        assert ask(str(path)) == PICTURE


@pytest.mark.parametrize(
    ("request_line", "error"),
    [
        (b"", "not a request"),
        (b"\xff\n", "not a request"),
        (b"[1]\n", "not a request"),
        (b'{"request": "picture"}\n', "not a request"),
        (b'{"version": 2, "request": "picture"}\n', "this daemon speaks version 1 of the protocol, not 2"),
        (b'{"version": 1, "request": "dance"}\n', "unknown request 'dance'"),
    ],
)
def test_nonsense_is_no_request(request_line: bytes, error: str) -> None:
    with pytest.raises(BadRequestError) as caught:
        read_request(request_line)
    assert str(caught.value) == error


def test_an_error_is_one_line() -> None:
    line = error_line("no\nsuch thing")
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line)["error"] == "no\nsuch thing"


def test_a_recording_is_ordered(tmp_path: Path) -> None:
    path = tmp_path / "1.sock"
    begin = RecordRequest(role="vrrp", wish=RecordWish(path="/tmp/x", size=5, duration=None))
    with serving(path) as daemon:
        asked: list[bytes] = []

        def respond(request: bytes) -> bytes:
            asked.append(request)
            return done_line("it is done")

        daemon.respond = respond
        assert order_recording(str(path), begin) == "it is done"
        assert order_recording(str(path), RecordRequest(role="vrrp", wish=None)) == "it is done"
    assert [read_request(line) for line in asked] == [begin, RecordRequest(role="vrrp", wish=None)]


@pytest.mark.parametrize("wish", ['{"path": 5}', "[]", '{"path": "/x", "size": 1, "duration": null, "more": 1}'])
def test_a_wish_that_is_none(wish: str) -> None:
    with pytest.raises(BadRequestError, match="record: "):
        read_request(b'{"version": 1, "request": "record", "role": "vrrp", "wish": %s}' % wish.encode())


def test_a_good_request_gets_one_line() -> None:
    assert read_request(REQUEST) == "picture"
    line = picture_line(PICTURE)
    assert line.count(b"\n") == 1
    assert json.loads(line)["picture"]["daemon"]["pid"] == PICTURE.daemon.pid


def test_what_workers_told_is_passed_on_unread() -> None:
    parts = {name: whole(getattr(WORST, name)).encode() for name in ("vrrp", "lvs")}
    line = picture_line(replace(WORST, vrrp=None, lvs=None), parts)
    assert json.loads(line) == json.loads(picture_line(WORST))


def without(key: str) -> bytes:
    message: dict[str, Any] = json.loads(picture_line(PICTURE))
    del message["picture"][key]
    return json.dumps(message).encode() + b"\n"


@pytest.mark.parametrize(
    ("respond", "kind", "words"),
    [
        (lambda _: None, SilentError, "did not answer within 0.1 s"),
        (lambda _: b"", SilentError, "without an answer"),
        (lambda _: b'{"version": 1, "pict', SilentError, "without an answer"),
        (lambda _: b"HTTP/1.0 400 Bad Request\n", VersionError, "does not speak pyvrrp's protocol"),
        (lambda _: b"[]\n", VersionError, "does not speak pyvrrp's protocol"),
        (lambda _: envelope(version=2), VersionError, "is pyvrrp 9.9 (protocol 2)"),
        (lambda _: envelope(), VersionError, "they differ (top level: expected an object, found None)"),
        (lambda _: without("taken"), VersionError, "they differ (top level: Picture lacks taken)"),
        (lambda _: envelope(error="I am tired"), RefusedError, "I am tired"),
    ],
)
def test_each_way_to_fail_has_its_type(
    tmp_path: Path, respond: Callable[[bytes], bytes | None], kind: type[ControlError], words: str
) -> None:
    path = tmp_path / "1.sock"
    with serving(path) as daemon:
        daemon.respond = respond
        with pytest.raises(kind) as caught:
            ask(str(path), timeout=0.1 if kind is SilentError else 10)
    assert words in str(caught.value)
    assert type(caught.value) is kind


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(NoDaemonError, match="no daemon listens at"):
        ask(str(tmp_path / "1.sock"))
    with pytest.raises(NoDaemonError):
        ask(str(left_behind(tmp_path / "2.sock")))
    (tmp_path / "file").write_text("")
    with pytest.raises(NoDaemonError):
        ask(str(tmp_path / "file" / "3.sock"))


def test_sockets_are_listed_in_order(tmp_path: Path) -> None:
    directory = str(tmp_path)
    assert sockets(str(tmp_path / "missing")) == []
    assert sockets(directory) == []
    left_behind(tmp_path / "7.sock")
    left_behind(tmp_path / "x.sock")
    with serving(tmp_path / "100.sock"), serving(tmp_path / "20.sock"), serving(tmp_path / "other.sock"):
        assert sockets(directory) == [socket_path(pid, directory) for pid in (7, 20, 100)]
    assert os.path.basename(socket_path(20)) == "20.sock"


def left_behind(path: Path) -> Path:
    """The socket of a daemon that died."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
    return path
