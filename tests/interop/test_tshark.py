"""Every kind of packet that we send, dissected by tshark: nothing malformed, no bad checksum, no warning."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.topology.daemons import OURS
from tests.topology.lab import Lab, instance

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark (Debian package tshark)"),
]

HMAC = "auth_hmac {\nkey 1 0123456789abcdef0123456789abcdef\nactive_key 1\n}\n"
AH = "authentication {\nauth_type AH\nauth_pass ahpasswd\n}\n"
PEER = "unicast_src_ip 192.0.2.1\nunicast_peer {\n192.0.2.2\n}\n"
IPV6 = ("fe80::55/64", "2001:db8::100/64")

KINDS: dict[str, dict[str, Any]] = {
    "v2": {"version": 2, "interval": 1},
    "v2-pass": {"version": 2, "interval": 1, "password": "1111"},
    "v2-ah": {"version": 2, "interval": 1, "more": AH},
    "v2-unicast": {"version": 2, "interval": 1, "more": PEER},
    "v2-unicast-ah": {"version": 2, "interval": 1, "more": PEER + AH},
    "v3": {},
    "v3-unicast": {"more": PEER},
    "v3-ipv6": {"vips": IPV6},
}


def capture(lab: Lab, file: Path, conf: str, adverts: int = 3) -> None:
    """What a director sends until it has said goodbye, as a pcap file of whole frames."""
    frames: list[tuple[float, bytes]] = []
    lab.tap.keep = frames.append
    lab.start("d1", OURS, conf)
    lab.until(lambda: len(lab.tap.adverts(51)) >= adverts, within=15, what="d1 advertises")
    lab.until(lambda: len(lab.tap.garps()) >= 5, within=3, what="d1 announces its addresses")
    lab.stop("d1")
    lab.until(lambda: 0 in {advert.priority for advert in lab.tap.adverts(51)}, within=3, what="d1 says goodbye")
    with file.open("wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for at, frame in frames:
            out.write(struct.pack("<IIII", int(at), int(at % 1 * 1e6), len(frame), len(frame)) + frame)


def tshark(file: Path, *arguments: str) -> str:
    command = ["tshark", "-n", "-r", str(file)]
    command += ["-o", "ip.check_checksum:TRUE"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=True, timeout=60).stdout


def complaints(file: Path) -> str:
    """Whatever tshark has to say against a packet."""
    wrong = '_ws.malformed or _ws.expert.severity >= "Warning"'
    wrong += " or ip.checksum.status == Bad or vrrp.checksum.status == Bad or icmpv6.checksum.status == Bad"
    return tshark(file, "-Y", f"(vrrp or arp or icmpv6.type == 136 or ah) and ({wrong})", "-V")


def told(file: Path, shown: str, *fields: str) -> list[tuple[str, ...]]:
    """Those fields of the packets that a display filter lets through."""
    columns = [word for field in fields for word in ("-e", field)]
    lines = tshark(file, "-Y", shown, "-T", "fields", *columns).splitlines()
    return [tuple(line.split("\t")) for line in lines]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_wrong_with_our_packets(lab: Lab, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "kind.pcap"
    fields = KINDS[kind]
    if "vips" in fields:
        lab.until(
            lambda: "fe80" in lab.hosts["d1"].run("ip", "-6", "addr", "show", "dev", "eth0", "-tentative"),
            within=10,
            what="a link-local address",
        )
    capture(lab, file, instance(priority=150, **fields))
    assert complaints(file) == ""
    adverts = told(file, "vrrp", "vrrp.version", "vrrp.prio", "vrrp.checksum.status")
    assert len(adverts) >= 4
    version = str(fields.get("version", 3))
    good = "1"
    assert set(adverts) == {(version, "150", good), (version, "0", good)}, "verified, and of both priorities"
    announced = "icmpv6.type == 136" if "vips" in fields else "arp.isgratuitous"
    assert len(told(file, announced, "frame.number")) >= 5


def test_the_test_sees_what_is_wrong(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "kind.pcap"
    capture(lab, file, instance(priority=150))
    data = bytearray(file.read_bytes())
    at = data.index(b"\x31\x33\x96\x01")
    data[at + 9] ^= 1
    file.write_bytes(data)
    assert complaints(file) != ""


def test_signed_packets_as_far_as_tshark_knows_them(lab: Lab, tmp_path: Path) -> None:
    """It has never heard of the trailer; of what comes before it there is nothing to complain about."""
    file = tmp_path / "kind.pcap"
    capture(lab, file, instance(priority=150, more=HMAC))
    signed = told(file, "vrrp", "vrrp.prio", "ip.checksum.status", "ip.len")
    assert set(signed) == {("150", "1", str(20 + 12 + 28)), ("0", "1", str(20 + 12 + 28))}
    assert tshark(file, "-Y", "_ws.malformed") == ""
