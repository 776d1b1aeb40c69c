from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pyvrrp.config.interfaces import InterfaceUse
from pyvrrp.core.log import Level
from pyvrrp.daemon.configuration import Reading, dump, lines, named, on_this_machine, read, refusal, with_devices
from pyvrrp.daemon.exit_status import ExitStatus
from pyvrrp.daemon.options import Options
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.vrrp import Authentication, AuthType
from tests.unit.daemon.samples import VIRTUAL_SERVER, VRRP_INSTANCE

SPAN = Span("/etc/k.conf", 3, 5)


def problem(severity: Severity, kind: ProblemClass = ProblemClass.GENERAL, *, line: int = 3) -> ConfigProblem:
    span = SPAN if line else Span("/etc/k.conf", 0)
    return ConfigProblem(
        span=span, severity=severity, message="x is wrong", effect="ignored", suggestion="write y", kind=kind
    )


def test_a_problem_on_one_line() -> None:
    assert lines([problem(Severity.ERROR), problem(Severity.NOTICE, line=0)]) == [
        (Level.ERROR, "/etc/k.conf:3:5: error: x is wrong (ignored); write y"),
        (Level.NOTICE, "/etc/k.conf: notice: x is wrong (ignored); write y"),
    ]


def test_every_severity_has_a_level() -> None:
    assert [level for level, _ in lines(problem(severity) for severity in Severity)] == [
        Level.ERROR,
        Level.ERROR,
        Level.WARNING,
        Level.NOTICE,
        Level.WARNING,
        Level.NOTICE,
    ]


def test_what_is_remembered_for_the_operator() -> None:
    texts = named(problem(severity) for severity in Severity)
    assert [text.split(": ")[1] for text in texts] == ["fatal", "error", "not active yet"]


REFERENCE = (Path(__file__).resolve().parents[3] / "examples/lvs-nat/director1/keepalived.conf").read_text()
WHOLE = [
    REFERENCE.rstrip().index("\n}\n\n", REFERENCE.index(word)) + 2 for word in ("vrrp_sync_group", "vrrp_instance")
]
"""Where the reference configuration could end and be a whole one."""


def refused(tmp_path: Path, text: str) -> str | None:
    path = tmp_path / "keepalived.conf"
    path.write_text(text, encoding="latin-1")
    return refusal(read(Options(config_file=str(path))))


def test_a_file_cut_anywhere_changes_nothing(tmp_path: Path) -> None:
    taken = [end for end in range(len(REFERENCE.rstrip())) if refused(tmp_path, REFERENCE[:end]) is None]
    assert taken
    for end in taken:  # between two blocks nothing can tell
        assert any(whole <= end <= whole + 2 for whole in WHOLE), REFERENCE[:end]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n# nothing\n",
        "<!DOCTYPE html>\n<html><body><h1>502 Bad Gateway</h1></body></html>\n",
        "vrrp:\n  instances:\n    - name: V\n",
        "\0" * 4096,
        "".join(chr(number % 256) for number in range(3000)),
        f"<<<<<<< HEAD\n{REFERENCE}=======\n>>>>>>> other\n",
        f"--- a\n+++ b\n@@ -1 +1 @@\n{REFERENCE}",
        f"{REFERENCE}\ninclude /nonexistent/file.conf\n",
    ],
    ids=["empty", "comments", "html", "yaml", "zeros", "binary", "merge", "diff", "include"],
)
def test_what_is_no_configuration_changes_nothing(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text) is not None


@pytest.mark.parametrize("more", ["", "a_misspelled_word 3\n", "include /nonexistent/*.conf\n", "global_defs {\n}\n"])
def test_lesser_complaints_are_no_obstacle(tmp_path: Path, more: str) -> None:
    assert refused(tmp_path, f"{REFERENCE}\n{more}") is None


@pytest.mark.parametrize(
    ("problems", "wrong"),
    [
        ((), False),
        ((problem(Severity.ERROR, ProblemClass.UNKNOWN_KEYWORD),), False),
        ((problem(Severity.WARNING, ProblemClass.SECURITY),), False),
        ((problem(Severity.FATAL),), True),
        ((problem(Severity.ERROR, ProblemClass.MISSING_EOB),), True),
        ((problem(Severity.ERROR, ProblemClass.UNMATCHED_QUOTE),), True),
        ((replace(problem(Severity.WARNING), damage=True),), True),
    ],
)
def test_what_a_running_daemon_does_not_go_over_to(problems: tuple[ConfigProblem, ...], wrong: bool) -> None:
    assert (refusal(Reading(Config(), problems)) is not None) is wrong


@pytest.mark.parametrize(
    ("problems", "status"),
    [
        ((), ExitStatus.OK),
        ((problem(Severity.ERROR, ProblemClass.MISSING_EOB),), ExitStatus.OK),
        ((problem(Severity.FATAL),), ExitStatus.CONFIG),
        ((problem(Severity.FATAL), problem(Severity.FATAL, ProblemClass.FILE_NOT_FOUND)), ExitStatus.NO_CONFIG),
    ],
)
def test_how_a_start_ends(problems: tuple[ConfigProblem, ...], status: ExitStatus) -> None:
    assert Reading(Config(), problems).status is status


def test_files_are_read_with_the_config_id(tmp_path: Path) -> None:
    conf = tmp_path / "k.conf"
    conf.write_text("@left instance L\n@right instance R\n")
    reading = read(Options(config_file=str(conf), config_id="right"))
    assert (reading.config.global_defs.instance, reading.problems) == ("R", ())


def test_a_missing_file_is_told() -> None:
    reading = read(Options(config_file="/nowhere/k.conf"))
    assert reading.status is ExitStatus.NO_CONFIG
    assert "/nowhere/k.conf" in lines(reading.problems)[0][1]


@pytest.mark.parametrize("dynamic", [False, True])
def test_devices_that_are_not_there_are_waited_for(dynamic: bool) -> None:
    uses = (InterfaceUse("lo", SPAN, "vrrp_instance A"), InterfaceUse("no-such-dev", SPAN, "vrrp_instance B"))
    config = Config(global_defs=GlobalDefs(dynamic_interfaces=dynamic))
    reading = with_devices(Reading(config, (), uses))
    assert reading.status is ExitStatus.OK
    (found,) = reading.problems
    assert "no-such-dev" in found.message
    # At a reload one that nobody has heard of is taken for misspelt, unless devices may come and go.
    assert (refusal(reading, Reading(config, ())) is None) is dynamic
    assert refusal(reading, Reading(config, (), uses)) is None


def test_the_dump_tells_no_secret() -> None:
    instance = replace(VRRP_INSTANCE, authentication=Authentication(type=AuthType.PASS, password=b"hush"))
    text = "\n".join(dump(Config(vrrp_instances=(instance,))))
    assert "password = (not shown)" in text
    assert "hush" not in text


def test_the_dump_names_every_value() -> None:
    text = "\n".join(dump(Config(vrrp_instances=(VRRP_INSTANCE,), virtual_servers=(VIRTUAL_SERVER,))))
    assert text.startswith("configuration: Config\n  global_defs: GlobalDefs\n    router_id = none\n")
    assert "\n  vrrp_instances: VrrpInstance\n    name = A\n" in text
    assert "\n    virtual_ipaddress: VirtualAddress\n      interface = 192.0.2.10/24\n" in text
    assert "\n    state = BACKUP\n" in text
    assert "\n    unicast_peer = none\n" in text
    assert "scheduler = wlc" in text


def test_a_misc_check_whose_script_cannot_be_run_is_as_if_it_were_not_written(tmp_path: Path) -> None:
    good = tmp_path / "good"
    good.write_text("#!/bin/sh\n")
    good.chmod(0o755)
    text = "".join(
        f"real_server 10.0.0.{number} 80 {{\nalpha\nMISC_CHECK {{\nmisc_path {script}\n}}\n}}\n"
        for number, script in ((1, good), (2, tmp_path / "absent"), (3, tmp_path))
    )
    file = tmp_path / "keepalived.conf"
    file.write_text(f"virtual_server 192.0.2.10 80 {{\nprotocol TCP\n{text}}}\n")
    reading = on_this_machine(read(Options(config_file=str(file))))
    (virtual,) = reading.config.virtual_servers
    assert [len(server.checkers) for server in virtual.real_servers] == [1, 0, 0]
    told = [problem for problem in reading.problems if "misc_path" in problem.message]
    assert len(told) == 2
    assert all("without another check it counts as up" in problem.effect for problem in told)
