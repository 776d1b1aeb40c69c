"""The number in a file, beside what strtol of the C library says."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.core.tracking.file import number_in

LIBC = ctypes.CDLL(None)
LIBC.strtol.restype = ctypes.c_long
LIBC.strtol.argtypes = (ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int)


@pytest.mark.parametrize(
    ("content", "number"),
    [
        (None, 0),
        (b"", 0),
        (b"\n", 0),
        (b"5\n", 5),
        (b" -17 up\n", -17),
        (b"+3", 3),
        (b"0x1f", 31),
        (b"0xg", 0),
        (b"010", 8),
        (b"08", 0),
        (b"up", 0),
        (b"2147483647", 2147483647),
        (b"2147483648", None),
        (b"-2147483648", -2147483648),
        (b"-2147483649", None),
        (b"99999999999999999999999", None),
    ],
)
def test_numbers(content: bytes | None, number: int | None) -> None:
    assert number_in(content) == number


@given(st.text("+-0123456789abcdefxX \t\nz", max_size=9))
def test_as_the_c_library(text: str) -> None:
    found = LIBC.strtol(text.encode(), None, 0)
    assert number_in(text.encode()) == (found if -(1 << 31) <= found < 1 << 31 else None)
