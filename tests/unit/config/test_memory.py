"""Reading again costs what changed, and comes to the same."""

from __future__ import annotations

import pytest

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
