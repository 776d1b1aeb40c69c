"""Every keyword of keepalived's is in the schema. (That each ends in the model: test_keywords_in_model.py.)

keywords.txt has a line for each row of the lists that were made from keepalived's parsers, block and keyword apart by
a tab; a keyword that both its VRRP and its LVS part read is there twice. The block `(lexer)` has what is no keyword.
"""

from __future__ import annotations

from pathlib import Path

from pyvrrp.config.schema import ROOT, Keyword, schema

LIST = Path(__file__).with_name("keywords.txt")
LEXER = "(lexer)"
FORMS = {(ROOT, "virtual_server fwmark"), (ROOT, "virtual_server group")}
"""Arguments of virtual_server, listed as keywords."""
OURS = {(f"virtual_server/real_server/{check}", "nb_get_retry") for check in ("TCP_CHECK", "UDP_CHECK")}
"""Where people write it, and keepalived ignores it."""
OURS |= {("virtual_server/real_server/SSL_GET", "tls_verify")}


def listed() -> list[tuple[str, str]]:
    rows = [line.split("\t") for line in LIST.read_text().splitlines()]
    return [(block, word) for block, word in rows]


def known() -> dict[tuple[str, str], Keyword]:
    found = {}

    def walk(path: str, block: str) -> None:
        for word, row in schema()[block].items():
            found[path, word] = row
            if row.opens:
                walk(word if path == ROOT else f"{path}/{word}", row.opens)

    walk(ROOT, ROOT)
    return found


def test_none_is_missing_and_none_unknown() -> None:
    rows = listed()
    assert len(rows) == 818
    words = {row for row in rows if row[0] != LEXER} - FORMS
    assert words - known().keys() == set()
    assert known().keys() - words == OURS
