from __future__ import annotations

import pytest

from pyvrrp.wire.http import HEADERS_MAX, Response, request


def test_the_request_is_keepaliveds() -> None:
    assert request("/x", "10.0.0.1:80", minor=0, close=False) == (
        b"GET /x HTTP/1.0\r\nUser-Agent: KeepAliveClient\r\nHost: 10.0.0.1:80\r\n\r\n"
    )
    assert request("/", "a.example", minor=1, close=True) == (
        b"GET / HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: a.example\r\n\r\n"
    )


def test_a_request_has_a_limit() -> None:
    rest = len(request("/", "h", minor=0, close=False)) - 1
    assert len(request("/" * (2047 - rest), "h", minor=0, close=False)) == 2047
    with pytest.raises(ValueError, match="longer than 2047"):
        request("/" * (2048 - rest), "h", minor=0, close=False)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("HTTP/1.1 200 OK", 200),
        ("HTTP/1.1 200 ", 200),
        ("HTTP/1.1 200", 0),
        ("HTTP/1.1 20 OK", 0),
        ("HTTP/1.1  200 OK", 0),
        ("SSH-2.0-OpenSSH", 0),
    ],
)
def test_status(head: str, status: int) -> None:
    response = Response()
    assert response.feed(head.encode() + b"\r\nX: 1\r\n\r\n")
    assert response.status == status


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_the_body_however_it_comes_in_pieces(size: int) -> None:
    data = b"HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nbodymore"
    response = Response()
    for at in range(0, len(data), size):
        assert response.feed(data[at : at + size])
    assert response.body == b"body"


def test_content_length_is_known_in_this_spelling_only() -> None:
    response = Response()
    response.feed(b"HTTP/1.0 200 OK\r\ncontent-length: 4\r\n\r\nbodymore")
    assert response.body == b"bodymore"


def test_a_search_begins_at_the_headers_if_body_came_with_their_end() -> None:
    head = b"HTTP/1.0 200 OK\r\n\r\n"
    together, apart = Response(), Response()
    together.feed(head + b"body")
    apart.feed(head)
    apart.feed(b"body")
    assert (together.searched_from, apart.searched_from) == (0, len(head))


def test_headers_have_a_limit() -> None:
    response = Response()
    assert response.feed(b"x" * HEADERS_MAX)
    assert not response.feed(b"x")
    assert response.body_at is None
