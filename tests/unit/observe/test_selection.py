from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from pyvrrp.observe.control import ControlError, NoDaemonError, SilentError
from pyvrrp.observe.picture import Picture
from pyvrrp.observe.selection import AmbiguousError, find, own_namespace
from tests.unit.observe.pictures import DAEMON, PICTURE, FakeDaemon, serving


class Host:
    """A machine's control sockets and named network namespaces, in a directory of the test's."""

    def __init__(self, path: Path) -> None:
        self.sockets, self.namespaces = path / "sockets", path / "netns"
        self.sockets.mkdir()
        self.namespaces.mkdir()
        self.stack = ExitStack()

    def run(self, pid: int, *, namespace: int, name: str | None = None, config: str = "/etc/a.conf") -> FakeDaemon:
        daemon = replace(DAEMON, pid=pid, net_namespace_id=namespace, net_namespace=name, config_file=config)
        return self.stack.enter_context(serving(self.sockets / f"{pid}.sock", replace(PICTURE, daemon=daemon)))

    def find(self, netns: str | None = None, like: Picture | None = None, path: str | None = None) -> int:
        """Process id of the daemon chosen."""
        found = find(
            path=path,
            netns=netns,
            like=like.daemon if like else None,
            directory=str(self.sockets),
            namespaces=str(self.namespaces),
            timeout=0.2,
        )
        return found.picture.daemon.pid


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    with host.stack:
        yield host


def test_none(host: Host) -> None:
    with pytest.raises(NoDaemonError, match=f"nothing listens in {re.escape(str(host.sockets))}"):
        host.find()


def test_the_only_one_wherever_it_is(host: Host) -> None:
    with serving(host.sockets / "9.sock"):
        pass  # leaves its socket behind
    with pytest.raises(NoDaemonError):
        host.find()
    host.run(10, namespace=1)
    assert host.find() == 10


def test_the_only_one_of_our_namespace(host: Host) -> None:
    host.run(10, namespace=1)
    host.run(11, namespace=own_namespace())
    assert host.find() == 11


def test_two_in_our_namespace_are_told_apart_by_the_user(host: Host) -> None:
    own = own_namespace()
    host.run(9, namespace=1)
    host.run(10, namespace=own)
    host.run(11, namespace=own, name="blue", config="/etc/b.conf")
    with pytest.raises(AmbiguousError) as caught:
        host.find()
    assert str(caught.value) == (
        "several pyvrrpd run, say which one you mean:\n"
        f"  --socket {host.sockets}/10.sock  pid 10, namespace {own}, /etc/a.conf\n"
        f"  --socket {host.sockets}/11.sock  pid 11, namespace blue, /etc/b.conf"
    )
    assert host.find(path=f"{host.sockets}/10.sock") == 10


def test_several_elsewhere_are_all_listed(host: Host) -> None:
    host.run(10, namespace=1)
    host.run(11, namespace=2)
    with pytest.raises(AmbiguousError, match=r"(?s)10\.sock.*11\.sock"):
        host.find()


def test_netns_by_name_and_by_inode(host: Host) -> None:
    (host.namespaces / "red").write_text("")
    host.run(10, namespace=1, name="blue")
    host.run(11, namespace=(host.namespaces / "red").stat().st_ino)
    assert host.find(netns="blue") == 10
    assert host.find(netns="red") == 11
    with pytest.raises(NoDaemonError, match=r"(?s)in the network namespace green; there are:.*10\.sock.*11\.sock"):
        host.find(netns="green")


def test_netns_goes_before_being_alone(host: Host) -> None:
    host.run(10, namespace=1, name="blue")
    with pytest.raises(NoDaemonError):
        host.find(netns="green")


def test_after_a_restart_the_same_one_not_the_only_one_left(host: Host) -> None:
    before = host.run(10, namespace=1, name="blue").picture
    host.run(11, namespace=2, name="red")
    assert host.find(like=before) == 10
    host.run(12, namespace=3, name="green")
    restarted = replace(before, daemon=replace(before.daemon, config_file="/etc/gone.conf"))
    with pytest.raises(NoDaemonError, match=r"with /etc/gone\.conf"):
        host.find(like=restarted)


def test_one_that_hangs_does_not_hide_the_others(host: Host) -> None:
    host.run(10, namespace=own_namespace())
    host.run(11, namespace=1).respond = lambda _: None
    assert host.find() == 10


@pytest.mark.parametrize("netns", [None, "blue"])
def test_one_that_hangs_is_listed_where_it_may_be_the_one(host: Host, netns: str | None) -> None:
    host.run(10, namespace=1)
    host.run(11, namespace=1).respond = lambda _: None
    with pytest.raises(ControlError, match=r"(?s)10\.sock  pid 10.*11\.sock  the daemon at .* did not answer"):
        host.find(netns=netns)


def test_only_hanging_ones(host: Host) -> None:
    host.run(11, namespace=1).respond = lambda _: None
    with pytest.raises(SilentError):
        host.find()
