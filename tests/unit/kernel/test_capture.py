"""The filter, played by hand: what is let through of the captures is what can be told of."""

from __future__ import annotations

import pytest

from pyvrrp.kernel import bpf
from pyvrrp.kernel.capture import program
from pyvrrp.sniff.frames import decode
from tests.golden.pcap import CAPTURES, frames

NAMES = sorted(path.stem for path in CAPTURES.glob("*.pcap"))


def passes(frame: bytes) -> bool:
    """Classic BPF, as far as the program uses it."""
    steps, at, accumulator = program(), 0, 0
    while True:
        code, yes, no, operand = steps[at]
        at += 1
        if code == bpf.RETURN:
            return operand > 0
        if code == bpf.JUMP_EQUAL:
            at += yes if accumulator == operand else no
        else:
            size = 2 if code == 0x28 else 1
            if operand + size > len(frame):
                return False
            accumulator = int.from_bytes(frame[operand : operand + size], "big")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_matters_is_dropped(name: str) -> None:
    for frame in frames(name):
        if decode(frame) is not None:
            assert passes(frame)


def test_other_traffic_is_dropped() -> None:
    tcp = bytes(12) + b"\x08\x00" + bytes((0x45, *bytes(8), 6)) + bytes(40)
    assert not passes(tcp)
    assert not passes(bytes(12) + b"\x88\xcc" + bytes(60))
    assert not passes(bytes(12) + b"\x86\xdd" + bytes(6) + b"\x06" + bytes(60))
    assert not passes(b"")
