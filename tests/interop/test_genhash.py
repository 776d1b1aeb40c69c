"""genhash: the same output and the same exit status as keepalived's, against the same server."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.topology.daemons import BIN
from tests.topology.servers import Servers

pytestmark = [pytest.mark.root, pytest.mark.keepalived]

LONG = ["--server", "127.0.0.1", "--port", "{http}", "--url", "/"]
SHORT = ["-s", "127.0.0.1", "-p", "{http}", "-u", "/"]


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    made = Servers(tmp_path_factory.mktemp("servers"))
    yield made
    made.close()


def run(servers: Servers, command: list[str]) -> tuple[int, str]:
    """Exit status and standard output; how long it took is not compared."""
    ports = {"http": servers.web.port, "https": servers.https, "closed": servers.closed}
    argv = [word.format(**ports) for word in command]
    done = subprocess.run(argv, capture_output=True, timeout=60, check=False)
    return done.returncode, re.sub(r"= \d+ usecs", "= N usecs", done.stdout.decode("latin-1"))


def both(servers: Servers, *arguments: str) -> tuple[tuple[int, str], tuple[int, str]]:
    return run(servers, ["genhash", *arguments]), run(servers, [str(BIN / "genhash"), *arguments])


@pytest.mark.parametrize(
    "arguments",
    [
        SHORT,
        LONG,
        ["--ser", "127.0.0.1", "--po", "{http}", "--ur", "/"],
        [*SHORT, "-P", "1.1"],
        [*SHORT, "-P", "1.0c"],
        [*SHORT, "-V", "a.example"],
        ["-s", "::1", "-p", "{http}", "-u", "/"],
        ["-s", "127.0.0.1", "-p", "{http}", "-u", "/nosuch"],
        ["-S", "-s", "127.0.0.1", "-p", "{https}", "-u", "/"],
        ["-S", "-I", "-V", "b.example", "-s", "127.0.0.1", "-p", "{https}", "-u", "/"],
        [*SHORT, "-t", "3", "-m", "7"],
        # what goes wrong
        [],
        ["-h"],
        ["-x"],
        ["-s", "127.0.0.1", "-p", "{http}"],
        ["-s", "nosuch", "-p", "{http}", "-u", "/"],
        ["-s", "127.0.0.1", "-p", "http", "-u", "/"],
        ["-s", "127.0.0.1", "-p", "65536", "-u", "/"],
        [*SHORT, "-P", "2"],
        [*SHORT, "extra"],
    ],
    ids=" ".join,
)
def test_the_same_digest_and_status(servers: Servers, arguments: list[str]) -> None:
    theirs, ours = both(servers, *arguments)
    assert ours == theirs


def test_verbose_is_laid_out_alike(servers: Servers) -> None:
    for _ in range(10):
        theirs, ours = both(servers, "-v", *SHORT)
        if ours == theirs:  # the server's Date may lie between the two
            break
    assert ours == theirs


def test_a_dead_server_is_told_and_the_status_is_0(servers: Servers) -> None:
    theirs, ours = both(servers, "-s", "127.0.0.1", "-p", "{closed}", "-u", "/")
    assert (theirs[0], ours[0]) == (0, 0)
    assert (theirs[1], ours[1]) == ("Connection failed\n", "Connection failed: connection refused\n")


@pytest.mark.parametrize(
    "command",
    [["pyvrrpd", "-T"], ["pyvrrpd", "--genhash"], ["pyvrrpd", "-n", "-T"], ["pyvrrp", "genhash"]],
    ids=" ".join,
)
def test_other_names_of_it(servers: Servers, command: list[str]) -> None:
    expected = run(servers, [str(BIN / "genhash"), *SHORT])
    assert expected[0] == 0
    assert run(servers, [str(BIN / command[0]), *command[1:], *SHORT]) == expected
