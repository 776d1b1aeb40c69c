"""`pyvrrp sniff`: VRRP on the wire, live or from a capture (docs/sniff.md)."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from pyvrrp.config import load
from pyvrrp.errors import KernelError
from pyvrrp.kernel.files import expanded
from pyvrrp.sniff.captures import CaptureError, Frame, read
from pyvrrp.sniff.census import Census
from pyvrrp.sniff.frames import Advert, Announcement, Seen, decode
from pyvrrp.sniff.telling import HEAD, lines, mac_text, summary
from pyvrrp.sniff.verdicts import Judge
from pyvrrp.units import Micros

REFUSED: Final = 1
FAILED: Final = 2


def sniff(
    interface: str | None,
    *,
    file: str | None = None,
    config: str | None = None,
    config_id: str | None = None,
    count: int | None = None,
    json_output: bool = False,
    dissect: bool = False,
) -> int:
    """The exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        judge = None if config is None else Judge(_config(config, config_id))
        source = _live(interface) if file is None else read(_bytes(file))
        return _Sniffer(judge, json_output=json_output, dissect=dissect).run(source, count)
    except (CaptureError, KernelError, OSError) as error:
        text = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
        print(f"pyvrrp sniff: {text}", file=sys.stderr)  # noqa: T201
        return FAILED


def _config(path: str, config_id: str | None) -> Any:
    if not Path(path).is_file():
        raise CaptureError(f"{path}: there is no such file")
    return load(expanded(path, config_id)).config


def _bytes(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def _live(interface: str | None) -> Iterator[Frame]:
    from pyvrrp.kernel.capture import Capture

    capture = Capture(interface)
    try:
        for at, name, data in capture.frames():
            yield Frame(at, data, name)
    finally:
        capture.close()


class _Sniffer:
    def __init__(self, judge: Judge | None, *, json_output: bool, dissect: bool) -> None:
        self._judge = judge
        self._json = json_output
        self._dissect = dissect
        self._census = Census()
        self._began: Micros | None = None
        self._now: Micros = 0
        self._refused = 0

    def run(self, source: Iterator[Frame], count: int | None) -> int:
        if not self._json:
            self._say(HEAD)
        told = 0
        try:
            for frame in source:
                if (seen := decode(frame.data)) is None:
                    continue
                self._note(frame, seen)
                told += 1
                if told == count:
                    break
        except KeyboardInterrupt:
            pass
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        self._conclude()
        return REFUSED if self._refused else 0

    def _note(self, frame: Frame, seen: Seen) -> None:
        self._began = frame.at if self._began is None else self._began
        self._now = frame.at
        instance: str | None = None
        refusal: str | None = None
        if isinstance(seen, Advert):
            if self._judge is not None:
                instance, refusal = self._judge.judge(frame.at, frame.interface, seen)
                self._refused += refusal is not None
            self._census.note(frame.at, seen, refused=refusal is not None)
        if self._json:
            self._say(json.dumps(_document(frame, seen, instance, refusal)))
            return
        for line in lines(frame.at - self._began, frame.interface, seen, instance, refusal):
            self._say(line)
        if self._dissect:
            self._say(dissected(frame.data))

    def _conclude(self) -> None:
        if self._json:
            self._say(
                json.dumps(
                    {"routers": [_router(router) for router in self._census.routers()], "free": self._census.free()}
                )
            )
            return
        self._say("")
        for line in summary(self._census, self._now):
            self._say(line)

    @staticmethod
    def _say(text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


def dissected(frame: bytes) -> str:
    """All layers and fields, as scapy shows them."""
    try:
        from scapy.layers import inet6, vrrp  # noqa: F401  # they make themselves known to the layers below
        from scapy.layers.l2 import Ether
    except ImportError:
        return "scapy is not installed: pip install scapy"
    text: str = Ether(frame).show(dump=True)
    return text.rstrip()


def _document(frame: Frame, seen: Seen, instance: str | None, refusal: str | None) -> dict[str, Any]:
    """Instants in microseconds since 1970, durations in microseconds."""
    common = {"at": frame.at, "interface": frame.interface or None, "mac": mac_text(seen.mac), "vlan": seen.vlan}
    if isinstance(seen, Advert):
        return {
            **common,
            "kind": "advertisement",
            "version": seen.version,
            "type": seen.kind,
            "source": str(seen.source),
            "destination": str(seen.destination),
            "ttl": seen.ttl,
            "virtual_router_id": seen.virtual_router_id,
            "priority": seen.priority,
            "interval": seen.interval,
            "auth": seen.auth or None,
            "addresses": [str(address) for address in seen.addresses],
            "instance": instance or None,
            "refused": refusal,
        }
    if isinstance(seen, Announcement):
        return {**common, "kind": "announcement", "address": str(seen.address)}
    return {**common, "kind": "fragment", "source": str(seen.source), "length": seen.length}


def _router(router: Any) -> dict[str, Any]:
    return {
        "virtual_router_id": router.virtual_router_id,
        "family": router.family,
        "vlan": router.vlan,
        "version": router.version,
        "master": None if router.master is None else str(router.master),
        "priority": router.priority,
        "interval": router.interval,
        "auth": router.auth or None,
        "addresses": [str(address) for address in router.addresses],
        "advertisements": router.adverts,
        "refused": router.refused,
        "senders": {str(sender): number for sender, number in router.senders.items()},
        "changes": router.changes,
    }
