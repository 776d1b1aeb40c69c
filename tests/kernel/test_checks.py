"""Every kind of check against real servers that die, stall and lie: ours and keepalived's, the same story, the same
verdicts in the same order. keepalived's checkers run only where there is IPVS."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.topology.daemons import KEEPALIVED, OURS, Daemon
from tests.topology.net import Host, inside
from tests.topology.servers import BODY, Server, Servers

pytestmark = pytest.mark.uml
COST = 20

WITHIN = 30.0
"""Seconds for all servers to be as they should; a check takes a second or two, HTTP two good ones to come back."""
TIMING = "delay_loop 1\nretry 1\ndelay_before_retry 1\nwarmup 0\nconnect_timeout 1\n"
MOVED = re.compile(r"(Adding|Removing) service \[127\.0\.0\.1\]:none:\d+ (?:to|from) VS FWM (\d+)")


@dataclass(frozen=True, slots=True)
class Case:
    """A virtual server with one real server, known by its mark."""

    check: str
    server: str
    """Attribute of `Servers`."""
    dead: bool = True
    """Whether it goes down when the server dies."""
    frozen: bool = True
    """Whether it goes down when the server says nothing any more."""
    lies: bool = False
    """The server never passes it."""


def url(path: str, *lines: str) -> str:
    return "url {\npath " + "\n".join((path, *lines)) + "\n}\n"


CONNECT = "3<>/dev/tcp/127.0.0.1/{port}"
QUESTION = "abcd01000001000000000000" + "04676f6f64076578616d706c650000010001"
CASES = {
    "TCP": Case("TCP_CHECK {\n}\n", "web", frozen=False),
    "HTTP": Case("HTTP_GET {\n" + url("/") + "}\n", "web"),
    "HTTP 1.1": Case("HTTP_GET {\nhttp_protocol 1.1\n" + url("/", "status_code 200") + "}\n", "web"),
    "HTTP of two urls": Case("HTTP_GET {\n" + url("/") + url("/moved", "status_code 302") + "}\n", "web"),
    "HTTP status": Case("HTTP_GET {\n" + url("/broken") + "}\n", "web", lies=True),
    "HTTP ranges": Case("HTTP_GET {\n" + url("/broken", "status_code 100-199 500-599") + "}\n", "web"),
    "HTTP digest": Case("HTTP_GET {\n" + url("/", "digest {digest}") + "}\n", "web"),
    "HTTP wrong digest": Case("HTTP_GET {\n" + url("/", f"digest {'0' * 32}") + "}\n", "web", lies=True),
    "HTTP regex": Case("HTTP_GET {\n" + url("/", 'regex "all is w[a-z]+"') + "}\n", "web"),
    "HTTP regex_no_match": Case(
        "HTTP_GET {\n" + url("/", 'regex "all is"', "regex_no_match") + "}\n", "web", lies=True
    ),
    "HTTP virtualhost": Case("HTTP_GET {\n" + url("/", "virtualhost a.example", 'regex "host a"') + "}\n", "web"),
    "SSL": Case("SSL_GET {\nconnect_port {https}\n" + url("/") + "}\n", "web"),
    "SSL with SNI": Case(
        "SSL_GET {\nconnect_port {https}\nenable_sni\n"
        + url("/", "virtualhost b.example", 'regex "b.example b.ex"')
        + "}\n",
        "web",
    ),
    "SMTP": Case("SMTP_CHECK {\n}\n", "mail"),
    "SMTP refused": Case("SMTP_CHECK {\n}\n", "grumpy", lies=True),
    "DNS": Case("DNS_CHECK {\ntype A\nname good\n}\n", "names"),
    "DNS of an unknown name": Case("DNS_CHECK {\ntype A\nname bad\n}\n", "names", lies=True),
    "UDP": Case("UDP_CHECK {\n}\n", "names", frozen=False),
    "UDP with a reply": Case(
        f"UDP_CHECK {{\npayload {QUESTION}\nrequire_reply abcd8580\nmin_reply_length 20\n}}\n", "names"
    ),
    "MISC": Case(
        "MISC_CHECK {\nmisc_path \"/bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'\"\n}\n", "web", frozen=False
    ),
    "MISC too slow": Case(
        "MISC_CHECK {\nmisc_timeout 1\nmisc_path \"/bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}; read <&3'\"\n}\n",
        "mail",
    ),
    "PING": Case("PING_CHECK {\n}\n", "web", dead=False, frozen=False),
}


class Play:
    """A daemon with all the cases, and the table that it makes."""

    def __init__(self, program: str, servers: Servers, directory: Path, digest: str) -> None:
        self.host = Host("director", f"checks-{os.getpid()}-{program}")
        blocks = ["global_defs {\nscript_user root\nchecker_log_all_failures\n}\n"]
        for mark, case in enumerate(CASES.values(), 1):
            server: Server = getattr(servers, case.server)
            check = case.check.replace("{digest}", digest).replace("{https}", str(servers.https))
            blocks.append(
                f"virtual_server fwmark {mark} {{\nlb_algo rr\nlb_kind NAT\n{TIMING}"
                f"real_server 127.0.0.1 {server.port} {{\n{check.replace('{port}', str(server.port))}}}\n}}\n"
            )
        self.daemon = Daemon(program, self.host, directory, "".join(blocks))

    def close(self) -> None:
        self.daemon.kill()
        self.host.close()

    def up(self) -> set[str]:
        """The cases whose server is in the table."""
        marks = set()
        mark = 0
        for line in self.host.run("ipvsadm", "-Ln").splitlines():
            words = line.split()
            if words[:1] == ["FWM"]:
                mark = int(words[1])
            elif words[:1] == ["->"] and mark:
                marks.add(mark)
        return {name for number, name in enumerate(CASES, 1) if number in marks}

    def until(self, wanted: set[str]) -> None:
        deadline = time.monotonic() + WITHIN
        while (found := self.up()) != wanted:
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"up, and should not be: {found - wanted}; not up: {wanted - found}\n{self.daemon.log()}"
                )
            time.sleep(0.1)

    def story(self) -> dict[str, list[str]]:
        """How each server went, from the log."""
        names = list(CASES)
        moves: defaultdict[str, list[str]] = defaultdict(list)
        for move, mark in MOVED.findall(self.daemon.log()):
            moves[names[int(mark) - 1]].append(move)
        return dict(moves)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    made = Servers(tmp_path_factory.mktemp("servers"))
    yield made
    made.close()


def those(truth: Callable[[Case], bool]) -> set[str]:
    return {name for name, case in CASES.items() if not case.lies and truth(case)}


@pytest.mark.parametrize("program", [OURS, KEEPALIVED])
def test_the_same_story_has_the_same_verdicts(program: str, servers: Servers, tmp_path: Path) -> None:
    actors = (servers.web, servers.names, servers.mail)
    play = Play(program, servers, tmp_path, hashlib.md5(BODY).hexdigest())
    try:
        with inside(play.host.namespace):
            for server in (*actors, servers.grumpy):
                server.kill()
                server.start()
        well = those(lambda case: True)
        play.until(well)
        for actor in actors:
            actor.kill()
        play.until(those(lambda case: not case.dead))
        with inside(play.host.namespace):
            for actor in actors:
                actor.start()
        play.until(well)
        for actor in actors:
            actor.freeze()
        play.until(those(lambda case: not case.frozen))
        for actor in actors:
            actor.thaw()
        play.until(well)
        story = play.story()
    finally:
        play.close()
    for name, case in CASES.items():
        moves = [] if case.lies else ["Removing", "Adding"] * (case.dead + case.frozen)
        assert story.get(name, [])[-len(moves) or None :] == (moves or story.get(name, [])), (name, story.get(name))
