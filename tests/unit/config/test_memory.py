"""Reading again costs what changed, and comes to the same."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyvrrp.config import load
from pyvrrp.config.memory import Memory
from tests.unit.config.files import source

ONE = "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.1.0.1 80 {\nTCP_CHECK {\n}}}"
TWO = "\n" + ONE.replace("10.0.0.1", "10.0.0.2")
TOLD = "\n" + ONE.replace("10.0.0.1", "10.0.0.3").replace("lb_algo rr", "lb_algo nonsense")


def test_the_same_text_is_not_read_again() -> None:
    memory = Memory()
    loaded = load(source(ONE + TOLD), memory)
    assert load(source(ONE + TOLD), memory) is loaded


@pytest.mark.parametrize(
    "changed",
    [
        "# a line more\n" + ONE + TWO + TOLD,
        TWO + "\n" + ONE + TOLD,
        "global_defs {\nchecker_log_all_failures\n}\n" + ONE + TWO + TOLD,
        "SSL {\nca x\n}\n" + ONE + TWO + TOLD,
        ONE + TWO.replace("real_server", "weight 3\nreal_server") + TOLD,
        ONE + TOLD,
        ONE + "\n" + ONE,
        "nonsense {\n" + ONE + TWO,
        "virtual_server 10.0.0.9 80 {\n" + ONE + TWO,
        ONE + "\n}" + TWO,
        ONE + TWO.replace("lb_kind NAT", "  lb_kind NAT"),
        ONE + TWO + "\nvirtual_server",
    ],
)
def test_with_and_without_a_memory_it_comes_to_the_same(changed: str) -> None:
    memory = Memory()
    before = load(source(ONE + TWO + TOLD), memory)
    assert load(source(changed), memory) == load(source(changed))
    assert load(source(ONE + TWO + TOLD), memory) == before


def test_an_unchanged_block_is_the_very_same_virtual_server() -> None:
    memory = Memory()
    one, *_ = load(source(ONE + TWO), memory).config.virtual_servers
    again = load(source("\n\n" + TWO.replace("rr", "wrr") + "\n" + ONE), memory).config.virtual_servers
    assert again[1] is one


MISC = ONE.replace("10.0.0.1", "10.0.0.4").replace("TCP_CHECK {", 'MISC_CHECK {\nmisc_path "/bin/true"')
GROUP = "virtual_server_group G {\n10.0.0.7 80\n}\n" + ONE.replace("10.0.0.1 80 {", "group G {", 1)
LINES = f"{GROUP}{TOLD}\n{MISC}\n{ONE}{TWO}".split("\n")
EXTRA = ("", "# a comment", "}", "{", '"', "lb_algo wrr", "weight x", "SSL {", "nonsense {", TWO.split("\n")[1])


@example([(len(LINES), "{")])
@given(st.lists(st.tuples(st.integers(0, len(LINES)), st.sampled_from((None, *EXTRA))), max_size=4))
def test_any_slip_of_the_editor_is_read_as_without_a_memory(slips: list[tuple[int, str | None]]) -> None:
    """And told with the lines of now. None: a line is lost."""
    memory = Memory()
    before = load(source("\n".join(LINES)), memory)
    lines = list(LINES)
    for place, extra in slips:
        lines[place : place + (extra is None)] = [] if extra is None else [extra]
    for text in ("\n".join(lines), "\n".join(("", *lines))):
        assert load(source(text), memory) == load(source(text))
    assert load(source("\n".join(LINES)), memory) == before


def test_what_surrounds_a_block_is_told_with_the_lines_of_now() -> None:
    """A check that all failures of are logged is made anew, of a block that was parsed before."""
    memory = Memory()
    load(source(ONE + TWO), memory)
    again = load(source("global_defs {\nchecker_log_all_failures\n}\n" + ONE + TWO), memory).config.virtual_servers
    assert again == load(source("global_defs {\nchecker_log_all_failures\n}\n" + ONE + TWO)).config.virtual_servers
    once_more = load(source("\nglobal_defs {\nchecker_log_all_failures\n}\n" + ONE + TWO), memory)
    assert once_more.config.virtual_servers[1] is again[1]
