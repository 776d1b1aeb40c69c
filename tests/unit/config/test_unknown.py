from __future__ import annotations

import pytest

from pyvrrp.errors import ProblemClass, Severity
from tests.unit.config.files import loaded, only


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("vvrp_sync_group\n", "did you mean `vrrp_sync_group`?"),
        ("global_defs {\nnat_mask 255.0.0.0\n}\n", "delete the line"),
        ("global_defs {\nlvs_id x\n}\n", "write `router_id`"),
        ("global_defs {\nrouter_id=x\n}\n", "write `router_id x`"),
        ("global_defs {\ndelay_loop 6\n}\n", "`delay_loop` belongs into"),
        ("global_defs {\ndelay_lop 6\n}\n", "did you mean `delay_loop` (in"),
        ("\u00a0\n", "delete the no-break space (U+00A0)"),
        ("global_defs {\nrouter\u200b_id x\n}\n", "delete the zero width space (U+200B)"),
    ],
)
def test_the_advice(text: str, advice: str) -> None:
    problem = only(loaded(text).problems)
    assert (problem.severity, problem.kind) == (Severity.ERROR, ProblemClass.UNKNOWN_KEYWORD)
    assert problem.suggestion is not None
    assert advice in problem.suggestion


def test_the_message_names_the_block_and_the_word() -> None:
    problem = only(loaded("global_defs {\n  qqqq 1\n}\n").problems)
    assert problem.message == "`qqqq` is not a keyword of global_defs"
    assert (problem.span.line, problem.span.column, problem.span.length) == (2, 3, 4)
    assert problem.suggestion is None
