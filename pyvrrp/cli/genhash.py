"""``genhash``: the MD5 digest of a page, for `digest` in a url block, with keepalived's command line and output."""

from __future__ import annotations

import asyncio
import getopt
import hashlib
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from pyvrrp.checkers.http import question
from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.config.http_checks import VERSIONS
from pyvrrp.model.checkers import CheckTiming, ConnectOptions, HttpCheck, SslCheck, Url
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.units import SECOND
from pyvrrp.wire.http import Response

USAGE: Final = """\
Usage: genhash -s ADDRESS -p PORT -u PATH [OPTION...]

  -s, --server=ADDRESS         ask the server at this IP address
  -p, --port=PORT              and port
  -u, --url=PATH               for this page
  -S, --use-ssl                by TLS
  -I, --use-sni                and name the host of -V in the handshake (SNI)
  -V, --use-virtualhost=NAME   value of the Host header
  -P, --protocol=VERSION       HTTP version: 1.0, 1.0c (with Connection: close) or 1.1
  -t, --timeout=SECONDS        time limit for connecting and for each answer (5)
  -m, --fwmark=MARK            firewall mark of the packets
  -v, --verbose                show what came back, and how long it took
  -h, --help                   print this
"""
_SHORT: Final = "hSIvs:p:u:V:m:P:t:"
_LONG: Final = {
    "help": "h",
    "use-ssl": "S",
    "use-sni": "I",
    "verbose": "v",
    "server=": "s",
    "port=": "p",
    "url=": "u",
    "use-virtualhost=": "V",
    "fwmark=": "m",
    "protocol=": "P",
    "timeout=": "t",
}
_LETTERS: Final = {name.rstrip("="): letter for name, letter in _LONG.items()}


class UsageError(Exception):
    """What is wrong with the command line; empty where it only lacks something."""


@dataclass(frozen=True, slots=True)
class Question:
    check: HttpCheck
    url: Url
    verbose: bool


def main() -> None:
    """Entry point of the ``genhash`` script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """1 for a wrong command line, else 0, whatever the server did: as keepalived's."""
    try:
        asked = parse(arguments)
    except UsageError as error:
        sys.stderr.write(f"{error}\n{USAGE}" if str(error) else USAGE)
        return 1
    begin = time.perf_counter()
    try:
        response = asyncio.run(_fetch(asked))
    except (CheckFailed, CheckNotStarted) as failure:
        sys.stdout.write(f"Connection failed: {failure}\n")
    else:
        if response.body_at is None:
            sys.stderr.write("no data received from remote webserver\n")
        else:
            _show(response, verbose=asked.verbose)
    if asked.verbose:
        took = int((time.perf_counter() - begin) * 1_000_000)
        sys.stdout.write(f"\nGlobal response time for [{asked.url.path}] = {took} usecs\n")
    return 0


def parse(arguments: Sequence[str]) -> Question:
    try:
        options, extra = getopt.gnu_getopt(list(arguments), _SHORT, list(_LONG))
    except getopt.GetoptError as error:
        raise UsageError(f"genhash: {error.msg}") from error
    if extra:
        raise UsageError(f"Unexpected argument(s): {' '.join(extra)}")
    given = {name[1:] if name[1] != "-" else _LETTERS[name[2:]]: value for name, value in options}
    if "h" in given or not given.keys() >= {"s", "p", "u"}:
        raise UsageError
    try:
        address = ip_address(given["s"])
    except ValueError:
        raise UsageError(f"server should be an IP, not {given['s']}") from None
    version = VERSIONS.get(given.get("P", "1.0"))
    if version is None:
        raise UsageError(f"invalid HTTP protocol version '{given['P']}'")
    host = given.get("V")
    connect = ConnectOptions(
        target=Endpoint(address, _number("port number", given["p"], 1, 65535)),
        connect_timeout=_number("timeout", given.get("t", "5"), 1, 4294) * SECOND,
        fwmark=_number("fwmark", given.get("m", "0"), 0, (1 << 32) - 1),
    )
    url = Url(path=given["u"], host=host, server_name=host if "I" in given else None)
    kind = SslCheck if "S" in given else HttpCheck
    check = kind(timing=CheckTiming(), connect=connect, urls=(url,), version=version)
    return Question(check, url, "v" in given)


def _number(what: str, text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise UsageError(f"invalid {what} '{text}'")
    return int(text)


async def _fetch(asked: Question) -> Response:
    """CheckFailed or CheckNotStarted."""
    question(asked.check, asked.url)  # whether it can be asked at all
    if isinstance(asked.check, SslCheck):
        from pyvrrp.checkers import https

        return await https.fetch(asked.check, asked.url)
    from pyvrrp.checkers import http

    return await http.fetch(asked.check, asked.url)


def _show(response: Response, *, verbose: bool) -> None:
    digest = hashlib.md5(response.body, usedforsecurity=False)
    if not verbose:
        sys.stdout.write(f"{digest.hexdigest()}\n")
        return
    assert response.body_at is not None
    headers, body = bytes(response.data[: response.body_at]), bytes(response.data[response.body_at :])
    for title, text in (
        ("    HTTP Header Buffer    ", _dump(headers)),
        (" HTTP Header Ascii Buffer ", headers.decode("latin-1") + "\n"),
        ("        HTML Buffer        ", _dump(body) + "\n"),
        ("    HTML hash resulting    ", _dump(digest.digest())),
        (" HTML hash final resulting ", f"{digest.hexdigest()}\n"),
    ):
        bar = "-" * 23
        sys.stdout.write(f"{bar}[{title}]{bar}\n{text}")


def _dump(data: bytes) -> str:
    """Sixteen bytes a line: position, digits in two halves, characters."""
    lines = []
    for at in range(0, len(data), 16):
        line = data[at : at + 16]
        halves = (line[:8].hex(" "), line[8:].hex(" "))
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in line)
        lines.append(f"{at:04d}  {halves[0]:23} - {halves[1]:23}   {text:16}\n")
    return "".join(lines)
