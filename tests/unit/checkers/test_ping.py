"""PING_CHECK against this machine's own kernel."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import pytest

from pyvrrp.checkers import ping
from pyvrrp.checkers.connecting import open_socket
from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import CheckTiming, ConnectOptions, PingCheck
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import MILLISECOND

pytestmark = pytest.mark.root


def check(host: str, **options: object) -> PingCheck:
    connect = ConnectOptions(target=Endpoint(ip_address(host), 80), **options)  # type: ignore[arg-type]
    return PingCheck(timing=CheckTiming(), connect=connect)


@pytest.fixture(params=["datagram", "raw"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of socket, whatever net.ipv4.ping_group_range says."""

    def refuse(options: ConnectOptions, kind: socket.SocketKind, protocol: int) -> socket.socket:
        if kind == socket.SOCK_DGRAM and request.param == "raw":
            raise CheckNotStarted("refused") from PermissionError()
        return open_socket(options, kind, protocol)

    monkeypatch.setattr(ping, "open_socket", refuse)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_host_that_answers(host: str) -> None:
    await ping.check(check(host))


@pytest.mark.usefixtures("way")
async def test_a_host_that_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel answers with the sequence number that it was asked with."""
    monkeypatch.setattr(ping, "echo_reply", lambda *_: (0, 2, b""))
    with pytest.raises(CheckFailed, match=r"^no answer in 0\.1 s$"):
        await ping.check(check("127.0.0.1", connect_timeout=100 * MILLISECOND))


async def test_what_cannot_be_asked_is_our_own_trouble() -> None:
    with pytest.raises(CheckNotStarted, match="cannot bind"):
        await ping.check(check("127.0.0.1", bind_if="nosuchdevice"))
    with pytest.raises(CheckNotStarted, match="cannot ask"):
        await ping.check(check("fe80::1"))
