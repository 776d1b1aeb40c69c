from __future__ import annotations

import os
import subprocess

import pytest

from pyvrrp.cli.explain import complete, explain, list_keywords, render, suggestions
from pyvrrp.config.describe import block_names, entries, keywords
from tests.unit.cli.test_show import PYVRRP, run


def test_a_keyword_is_explained() -> None:
    told = render(entries("advert_int")[0], 80)
    assert told == (
        "advert_int SECONDS\n"
        "  advertisement interval\n"
        "  in        vrrp_instance\n"
        "  argument  seconds, 0.01 to 255\n"
        "  default   1 s\n"
        "  state     active\n"
        "  note      with nothing after it the daemon does not start\n"
    )


def test_every_block_in_which_a_word_occurs_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("track_file") == 0
    told = capsys.readouterr().out
    for where in ("outside of blocks", "vrrp_instance", "vrrp_sync_group", "virtual_server/real_server/FILE_CHECK"):
        assert f"  in        {where}\n" in told


def test_aliases_point_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    explain("nb_get_retry")
    assert "older spelling of `retry`" in capsys.readouterr().out
    explain("vrrp_track_file")
    explain("track_file")
    told = capsys.readouterr().out
    assert "older spelling of `track_file`" in told
    assert "older spelling: `vrrp_track_file`" in told


@pytest.mark.parametrize("word", keywords())
def test_every_keyword_can_be_explained_on_a_narrow_terminal(word: str) -> None:
    for entry in entries(word):
        for line in render(entry, 40).splitlines():
            assert len(line) <= 40 or len(line.split()) <= 6, line


def test_what_is_not_active_says_what_that_means() -> None:
    for word in keywords():
        for entry in entries(word):
            told = " ".join(render(entry, 1000).split())
            assert ("accepted, not active in this version: " in told) == (entry.row.effect is not None)


@pytest.mark.parametrize(
    ("word", "meant"), [("virtual_rotuer_id", "virtual_router_id"), ("preempt_dealy", "preempt_delay")]
)
def test_an_unknown_word_gets_suggestions_and_a_status(
    word: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(word) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert meant in captured.err


def test_a_part_of_a_word_finds_it() -> None:
    assert "garp_master_delay" in suggestions("master_delay")
    assert suggestions("xyzzy") == []


def test_a_hostile_word_does_not_reach_the_terminal_raw(capsys: pytest.CaptureFixture[str]) -> None:
    assert explain("\x1b[2J") == 1
    assert "\x1b" not in capsys.readouterr().err


def test_the_list_is_of_all_keywords(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_keywords() == 0
    assert tuple(capsys.readouterr().out.split()) == keywords()


def test_every_block_is_reached() -> None:
    names = [name for names in block_names().values() for name in names]
    assert len(names) == len(set(names))
    assert {"vrrp_instance/authentication", "virtual_server/real_server/HTTP_GET/url"} <= set(names)


def test_completion() -> None:
    assert complete("garp_master_r") == ["garp_master_refresh", "garp_master_refresh_repeat", "garp_master_repeat"]
    done = subprocess.run(
        PYVRRP,
        env=os.environ
        | {"_PYVRRP_COMPLETE": "complete_bash", "COMP_WORDS": "pyvrrp explain advert_i", "COMP_CWORD": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.split() == ["advert_int"]


def test_the_command_line() -> None:
    assert run("explain", "priority").returncode == 0
    done = run("explain", "prioritty")
    assert (done.returncode, done.stdout) == (1, "")
    assert "priority" in done.stderr
    alone = run()
    assert "explain" in alone.stdout
    assert "Traceback" not in alone.stderr
