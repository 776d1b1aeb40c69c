"""What all our nftables tables have in common, as text for libnftables."""

from __future__ import annotations

import re
from typing import Final

FAMILIES: Final = {4: "ip", 6: "ip6"}
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,60}")


def table_name(word: str | None, default: str) -> str:
    """What nftables takes for a name; the default, which is keepalived's, where the word is none."""
    return word if word is not None and _NAME.fullmatch(word) else default


def removal(table: str, family: int) -> str:
    """Also where there is none."""
    return f"add table {FAMILIES[family]} {table}\ndelete table {FAMILIES[family]} {table}\n"
