"""The reference configuration loads to exactly the right thing, however it is laid out."""

from __future__ import annotations

import re

import pytest

from pyvrrp.config import exit_status
from pyvrrp.errors import ProblemClass, Severity
from tests.unit.config.files import loaded
from tests.unit.config.reference import CONFIG, TEXT


def indented(text: str) -> str:
    depth = 0
    out = []
    for line in text.splitlines():
        depth -= line == "}"
        out.append("    " * depth + line)
        depth += line.endswith("{")
    return "\n".join(out) + "\n"


LAYOUTS = {
    "as written": TEXT,
    "indented": indented(TEXT),
    "tabs": indented(TEXT).replace("    ", "\t"),
    "brace on its own line": TEXT.replace(" {", "\n{"),
    "brace touching": TEXT.replace(" {", "{"),
    "carriage returns": TEXT.replace("\n", "\r\n"),
    "no newline at the end": TEXT.rstrip("\n"),
    "short blocks in one line": re.sub(r"\{\n(\S+ dev \S+)\n\}", r"{ \1 }", TEXT),
    "comments": re.sub(r"\n", " # 注释 {\n! }\n", TEXT),
    "blank lines and blanks": TEXT.replace("\n", "  \n \t\n").replace(" ", "  "),
    "quoted": TEXT.replace("NC-MAIN-API-PUB", '"NC-MAIN-API-PUB"').replace("1111", '"1111"'),
    "parameters": "$VIP=192.0.2.10\n$P=15000\n" + TEXT.replace("192.0.2.10", "${VIP}").replace("15000", "${P}"),
    "conditional": re.sub(r"^(priority|state)", r"@host \1", TEXT, flags=re.MULTILINE),
    "repeated servers": re.sub(
        r"real_server 10\.71\.12\.69.*", "~LST(A, 69, 76) $SERVER\n}\n", TEXT, flags=re.DOTALL
    ).replace(
        "vrrp_sync_group",
        "$SERVER=real_server 10.71.12.${A} 15000 {\\\nweight 100 \\\nTCP_CHECK { \\\nconnect_timeout 3 \\\n"
        "nb_get_retry 3 \\\ndelay_before_retry 3 \\\nconnect_port 15000 \\\n} \\\n}\nvrrp_sync_group",
        1,
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_is_the_same_configuration(layout: str) -> None:
    found = loaded(LAYOUTS[layout])
    assert found.config == CONFIG
    assert {(problem.severity, problem.kind) for problem in found.problems} == {
        (Severity.DEPRECATED, ProblemClass.UNKNOWN_KEYWORD),
        (Severity.WARNING, ProblemClass.GENERAL),
    }
    assert exit_status(found.problems) == 5


def test_what_there_is_to_say() -> None:
    found = loaded(TEXT)
    assert [(problem.span.line, problem.span.column, problem.message) for problem in found.problems] == [
        (1, 1, "sync group NC-MAIN-API has one member only"),
        (33, 1, "`nb_get_retry` is no keyword of TCP_CHECK; keepalived ignores it here"),
        (42, 1, "`nb_get_retry` is no keyword of TCP_CHECK; keepalived ignores it here"),
    ]
    assert found.fatal == ()
