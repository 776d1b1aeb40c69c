"""The number in a tracked file."""

from __future__ import annotations

import re
from typing import Final

READ: Final = 127
"""Bytes of the file that count."""
_NUMBER: Final = re.compile(rb"[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)")
_RANGE: Final = range(-(1 << 31), 1 << 31)


def number_in(content: bytes | None) -> int | None:
    """As strtol(3) with base 0 reads it: 0 where no number begins, or where there is no file (None).

    None for a number beyond 32 bits: it says nothing, and the last one goes on to count.
    """
    found = _NUMBER.match(content or b"")
    if found is None:
        return 0
    sign, digits = found[1], found[2]
    base = 16 if digits[:2] in (b"0x", b"0X") else 8 if digits[:1] == b"0" else 10
    value = int(digits, base)
    value = -value if sign == b"-" else value
    return value if value in _RANGE else None
