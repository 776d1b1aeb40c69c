"""keepalived's command line. What its getopt makes of each line was tried with keepalived 2.2.7."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyvrrp import __version__
from pyvrrp.cli.compat import FLAGS, Argument, Task, UsageError, parse, run, usage
from pyvrrp.daemon.options import Options


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", Options()),
        ("-f /a/b", Options(config_file="/a/b")),
        ("-f/a/b", Options(config_file="/a/b")),
        ("--use-file=/a/b", Options(config_file="/a/b")),
        ("--use-file /a/b", Options(config_file="/a/b")),
        ("--use /a/b", Options(config_file="/a/b")),
        ("-nlD", Options(foreground=True, log_console=True, log_detail=1)),
        ("-n -D -D", Options(foreground=True, log_detail=2)),
        ("-DDD", Options(log_detail=2)),
        ("-nf/a", Options(foreground=True, config_file="/a")),
        ("-nf /a", Options(foreground=True, config_file="/a")),
        ("-P", Options(run_checkers=False)),
        ("-C", Options(run_vrrp=False)),
        ("--vrrp", Options(run_checkers=False)),  # though --vrrp_pid begins with it
        ("--vrrp_p=/v", Options(vrrp_pid_file="/v")),
        ("-p /p -r /r -c /c", Options(pid_file="/p", vrrp_pid_file="/r", checkers_pid_file="/c")),
        ("-p -r", Options(pid_file="-r")),
        ("-S 3", Options(log_facility="local3")),
        ("-S local7", Options(log_facility="local7")),
        ("-S user", Options(log_facility="user")),
        ("-s blue -i left", Options(net_namespace="blue", config_id="left")),
        ("-V -I -R", Options(dont_release_vrrp=True, dont_release_ipvs=True, dont_respawn=True)),
        ("-d -G", Options(dump_config=True, no_syslog=True)),
        ("-u 027", Options(umask=0o27)),
        ("-u 0x1f", Options(umask=0x1F)),
        ("-u 10", Options(umask=10)),
        ("--ignore-sigint --all", Options(ignore_sigint=True, all_workers=True)),
        ("-B", Options()),
    ],
)
def test_options(line: str, expected: Options) -> None:
    invocation = parse(line.split())
    assert (invocation.options(), invocation.complaints, invocation.task) == (expected, [], Task.RUN)


def test_the_configuration_is_found_again_from_another_directory() -> None:
    assert parse(["-f", "x.conf"]).options().config_file == str(Path.cwd() / "x.conf")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--foo", "Unknown option --foo"),
        ("-Z", "Unknown option -Z"),
        ("-nZ", "Unknown option -Z"),
        ("-p", "Missing argument for option -p"),
        ("--pid", "Missing argument for option --pid"),
        ("--pid=", "Missing argument for option --pid"),
        ("--config-test=", "Missing argument for option --config-test"),
        ("--con", "Unknown option --con; it may be --config-id"),
        ("--dont", "Unknown option --dont; it may be --dont-release-vrrp"),
        ("--vrrp=yes", "Option --vrrp takes no argument"),
        ("--signum", "Missing argument for option --signum"),
    ],
)
def test_wrong_command_lines(line: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(line.split())
    assert str(raised.value).startswith(message)
    assert run(line.split()) == 1


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("-n xx yy", "Unexpected argument(s): xx yy"),
        ("-- -n", "Unexpected argument(s): -n"),
        ("-", "Unexpected argument(s): -"),
        ("-u 01000", "umask '01000' is ignored"),
        ("-u 9x", "umask '9x' is ignored"),
        ("-S mail", "log facility 'mail' is ignored"),
    ],
)
def test_what_is_ignored_is_told(line: str, complaint: str) -> None:
    (text,) = parse(line.split()).complaints
    assert text.startswith(complaint)


@pytest.mark.parametrize(
    ("line", "task", "argument"),
    [
        ("-t", Task.TEST, None),
        ("-t/tmp/log", Task.TEST, "/tmp/log"),
        ("-nt", Task.TEST, None),
        ("--config-test=/tmp/log", Task.TEST, "/tmp/log"),
        ("--config-test /tmp/log", Task.TEST, None),
        ("-v --foo", Task.VERSION, None),
        ("-hZ", Task.HELP, None),
        ("--signum STOP", Task.SIGNUM, "STOP"),
    ],
)
def test_tasks(line: str, task: Task, argument: str | None) -> None:
    invocation = parse(line.split())
    assert (invocation.task, invocation.argument) == (task, argument)


@pytest.mark.parametrize("flag", [flag for flag in FLAGS if flag.short], ids=lambda flag: flag.long)
def test_short_and_long_names_do_the_same(flag: object) -> None:
    from pyvrrp.cli.compat import Flag

    assert isinstance(flag, Flag)
    value = "1" if flag.argument is Argument.REQUIRED else ""
    short = parse([f"-{flag.short}{value}"])
    long = parse([f"--{flag.long}={value}" if value else f"--{flag.long}"])
    assert (short.task, short.argument, short.options()) == (long.task, long.argument, long.options())


def test_what_is_not_built_is_named() -> None:
    not_active = parse(["-x", "-A", "unix:/x", "-M/core", "-a", "-e"]).options().not_active
    assert not_active == (
        "--snmp",
        "--snmp-agent-socket",
        "--core-dump-pattern",
        "--address-monitoring",
        "--all-config",
    )


def test_help_names_every_option() -> None:
    text = usage()
    assert all(f"--{flag.long}" in text for flag in FLAGS)


@pytest.mark.parametrize(
    ("name", "number"),
    [("STOP", signal.SIGTERM), ("RELOAD", 1), ("DATA", 10), ("STATS", 12), ("STATS_CLEAR", 63), ("JSON", 36)],
)
def test_signal_numbers(name: str, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--signum", name]) == 0
    assert capsys.readouterr().out == f"{int(number)}\n"


def test_an_unknown_signal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--signum=TERM"]) == 1
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("line", "text"), [("-v", f"pyvrrpd {__version__}"), ("--help", "Usage: pyvrrpd")])
def test_version_and_help_go_to_the_standard_error(line: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([line]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(text)


def test_the_command_line_is_read_without_anything_heavy() -> None:
    program = "import sys, pyvrrp.cli.compat as c; c.parse(['-n']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"asyncio", "typer", "rich", "click", "ssl", "subprocess", "pyroute2", "scapy"} & set(loaded)


PYVRRPD = [sys.executable, "-c", "from pyvrrp.cli.compat import main; main()"]


def config_test(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PYVRRPD, *arguments], capture_output=True, text=True, check=False, timeout=20)


@pytest.mark.parametrize(
    ("conf", "status", "said"),
    [
        ("global_defs {\n}\n", 0, ""),
        ("global_defs {\n    no_such_word\n}\n", 5, ":2:5: "),
        ("vrrp_instance A {\n    interface no-such-dev\n    virtual_router_id 9\n}\n", 5, "no-such-dev does not exist"),
    ],
)
def test_a_configuration_is_judged_as_keepalived_judges_it(tmp_path: Path, conf: str, status: int, said: str) -> None:
    file = tmp_path / "k.conf"
    file.write_text(conf)
    done = config_test("-t", "-f", str(file))
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert bool(done.stderr) is bool(said)


def test_the_verdict_may_go_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "k.conf").write_text("no_such_word\n")
    (tmp_path / "log").write_text("before\n")
    done = config_test(f"-t{tmp_path}/log", "-f", f"{tmp_path}/k.conf", "-x")
    assert (done.returncode, done.stderr) == (5, "")
    log = (tmp_path / "log").read_text()
    assert log.startswith("before\noption --snmp: not active yet\n")
    assert "no_such_word" in log


def test_a_verdict_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "k.conf").write_text("no_such_word\n")
    done = config_test("-t/no/such/folder/log", "-f", f"{tmp_path}/k.conf")
    assert done.returncode == 1
    assert "/no/such/folder/log: No such file or directory" in done.stderr
    assert "no_such_word" in done.stderr


def test_a_configuration_is_tested_without_anything_heavy(tmp_path: Path) -> None:
    """It has 0.3 s in all; tests/bench measures them."""
    (tmp_path / "k.conf").write_text("vrrp_instance A {\n    interface lo\n}\n")
    program = f"import sys, pyvrrp.cli.compat as c; c.run(['-t', '-f', '{tmp_path}/k.conf']); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert "pyvrrp.config.load" in loaded
    assert not {"asyncio", "typer", "rich", "click", "ssl", "pyroute2", "scapy"} & set(loaded)
