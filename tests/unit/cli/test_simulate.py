from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyvrrp.cli.simulate import Wishes, simulate


def write(path: Path, priority: int, more: str = "", *, interface: str = "eth0") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"vrrp_script chk {{\nscript /bin/true\n}}\nvrrp_instance V {{\ninterface {interface}\nvirtual_router_id 51\n"
        f"priority {priority}\n{more}\nvirtual_ipaddress {{\n192.0.2.100/24\n}}\n}}\n"
    )
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    track = "track_script {\nchk weight -2\n}"
    return [write(tmp_path / "a.conf", 150, track), write(tmp_path / "b.conf", 100, track)]


def test_two_files_just_work(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(Wishes(files=files)) == 0
    out = capsys.readouterr().out
    assert "* crash a" in out
    assert "Never two masters" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize(("name", "begin"), [("t.svg", "<svg"), ("t.html", "<!doctype html>")])
def test_json_and_a_picture(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, begin: str
) -> None:
    picture = tmp_path / name
    assert (
        simulate(Wishes(files=files, json_output=True, timeline=str(picture), steps=("10s stop a",), length="20s")) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["directors"] == ["a", "b"]
    assert told["services"][0]["spans"][-1]["holders"] == ["b"]
    assert picture.read_text().startswith(begin)
    assert "<svg" in picture.read_text()


def test_two_masters_are_an_exit_status(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lonely = write(tmp_path / "c.conf", 90, "authentication {\nauth_type PASS\nauth_pass x\n}")
    assert simulate(Wishes(files=[files[0], lonely], length="10s")) == 1
    assert "WRONG: a and c were both master" in capsys.readouterr().out


def test_scenario_from_a_file(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scenario = tmp_path / "s.txt"
    scenario.write_text("at 10s partition d1 | d2\nat 20s heal\n")
    assert simulate(Wishes(files=files, scenario=str(scenario))) == 0
    assert "partition a | b" in capsys.readouterr().out


def test_chaos_for_an_hour(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(Wishes(files=files, chaos=5, length="1h", loss="1%", clocks=("a=100ppm",))) == 0
    assert "rows left out" in capsys.readouterr().out


def test_what_if_a_script_failed(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(Wishes(files=files, fail="chk")) == 0
    out = capsys.readouterr().out
    assert "script chk on a: a stays master, 148 is still more than the 100 of b" in out
    assert simulate(Wishes(files=files, fail="a:eth0", json_output=True)) == 0
    assert json.loads(capsys.readouterr().out)[0]["on"] == "a"


def test_directors_are_called_by_their_directories_where_the_files_are_called_alike(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [write(tmp_path / name / "keepalived.conf", 100) for name in ("north", "south")]
    assert simulate(Wishes(files=files, length="5s")) == 0
    assert capsys.readouterr().out.startswith("north, south for")
    assert simulate(Wishes(files=[f"x={files[0]}", f"y={files[0]}"], length="5s")) == 0
    assert capsys.readouterr().out.startswith("x, y for")


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"steps": ("10s explode a",)}, "'explode' is no step"),
        ({"steps": ("10s link a eth7 down",)}, "a has no such interface; there are eth0"),
        ({"scenario": "/nonexistent"}, "/nonexistent: No such file"),
        ({"length": "x"}, "'x' is no duration"),
        ({"fail": "x"}, "nothing is called 'x'"),
        ({"clocks": ("z=5",)}, "it is --clock DIRECTOR=PPM"),
        ({"addresses": ("a:eth0=nowhere",)}, "it is --address"),
        ({"segments": ("lan=q",)}, "'q' is no DIRECTOR:INTERFACE"),
    ],
)
def test_what_cannot_be_done_is_said(
    files: list[str], wishes: dict[str, object], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(Wishes(files=files, **wishes)) == 2  # type: ignore[arg-type]
    assert message in capsys.readouterr().err


def test_files_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.conf"
    empty.write_text("global_defs {\n}\n")
    for file in (str(empty), str(tmp_path / "absent.conf")):
        assert simulate(Wishes(files=[file])) == 2
    assert "there is no vrrp_instance in it" in capsys.readouterr().err
