"""What a packager installs: each file is tried with the program that reads it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.topology.daemons import BIN, OURS
from tests.topology.net import Host, Net

ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "conf"
EXPOSURE = {"pyvrrp.service": 6.5, "hardened": 4.6}
"""What `systemd-analyze security` may say at most."""


def run(*argv: str | Path, stdin: str | None = None) -> str:
    done = subprocess.run(list(map(str, argv)), input=stdin, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_man_pages_and_completions_are_those_of_the_command_line() -> None:
    spec = importlib.util.spec_from_file_location("make", CONF / "make.py")
    assert spec is not None
    assert spec.loader is not None
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    made = make.made()
    there = {str(path.relative_to(CONF)) for name in ("man", "completions") for path in (CONF / name).iterdir()}
    assert there == set(made)
    for name, text in made.items():
        assert (CONF / name).read_text() == text, f"conf/{name} is old: .venv/bin/python conf/make.py"


@pytest.mark.parametrize("page", sorted((CONF / "man").iterdir()), ids=lambda path: path.name)
def test_man_pages_are_sound(page: Path) -> None:
    said = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", str(page)], capture_output=True, text=True)
    assert said.stdout == ""
    assert "exit" in run("mandoc", "-T", "utf8", page).lower()


def test_bash_completes() -> None:
    script = f"""
        source {CONF}/completions/pyvrrpd.bash
        COMP_WORDS=(pyvrrpd --dont-re); COMP_CWORD=1; _pyvrrpd; echo "${{COMPREPLY[@]}}"
        PATH={BIN}:$PATH
        source {CONF}/completions/pyvrrp.bash
        COMP_WORDS=(pyvrrp explain garp_master_d); COMP_CWORD=2; _pyvrrp_completion pyvrrp; echo "${{COMPREPLY[@]}}"
    """
    said = run("bash", "-c", script).splitlines()
    assert said == ["--dont-release-vrrp --dont-release-ipvs --dont-respawn", "garp_master_delay"]


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as installed, but with the daemon that is here."""
    text = (CONF / "pyvrrp.service").read_text().replace("/usr/bin/pyvrrpd", str(BIN / OURS))
    path = tmp_path / "etc/systemd/system/pyvrrp.service"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def test_the_unit_is_sound(unit: Path) -> None:
    said = run("systemd-analyze", "verify", "--man=no", unit)
    assert [line for line in said.splitlines() if "pyvrrp.service" in line] == []
    assert "Conflicts=keepalived.service" in unit.read_text()
    assert "Type=notify" in unit.read_text()


@pytest.mark.parametrize("hardened", [False, True])
def test_what_the_unit_may_do(unit: Path, tmp_path: Path, *, hardened: bool) -> None:
    if hardened:
        directory = unit.with_name("pyvrrp.service.d")
        directory.mkdir()
        (directory / "hardened.conf").write_text((CONF / "pyvrrp.service.d/hardened.conf").read_text())
    said = run("systemd-analyze", "security", "--offline=true", f"--root={tmp_path}", "pyvrrp.service")
    exposure = float(said.rpartition("pyvrrp.service: ")[2].split()[0])
    assert exposure <= EXPOSURE["hardened" if hardened else "pyvrrp.service"]


@pytest.fixture
def host() -> Iterator[Host]:
    net = Net()
    try:
        yield net.add_host("firewall")
    finally:
        net.close()


@pytest.mark.root
def test_nftables_takes_the_openings(host: Host, tmp_path: Path) -> None:
    rules = tmp_path / "rules.nft"
    chain = "type filter hook input priority filter; policy drop;"
    include = f'include "{CONF}/firewall/pyvrrp.nft"'
    rules.write_text(f"table inet filter {{\nchain input {{\n{chain}\n{include}\n}}\n}}\n")
    host.run("nft", "-f", str(rules))
    said = host.run("nft", "list", "ruleset")
    for wanted in ("ip protocol vrrp accept", "ip6 nexthdr vrrp accept", "ip protocol igmp accept"):
        assert wanted in said


@pytest.mark.root
@pytest.mark.parametrize(("program", "rules"), [("iptables", "pyvrrp.rules.v4"), ("ip6tables", "pyvrrp.rules.v6")])
def test_iptables_takes_the_openings(host: Host, program: str, rules: str) -> None:
    host.run(f"{program}-nft-restore", "--noflush", str(CONF / "firewall" / rules))
    assert "-A INPUT -p vrrp" in host.run(f"{program}-nft", "-S", "INPUT")


@pytest.mark.root
def test_the_sysctls_are_the_kernels(host: Host) -> None:
    for path in (CONF / "sysctl.d").iterdir():
        host.run("sysctl", "-q", "-p", str(path))
    assert host.run("cat", "/proc/sys/net/ipv4/ip_forward").strip() == "1"


def test_the_default_configuration_runs_nothing() -> None:
    assert "no problems" in run(BIN / "pyvrrp", "check", CONF / "keepalived.conf")


@pytest.mark.root
def test_its_example_is_one(host: Host, tmp_path: Path) -> None:
    """With the # taken away."""
    example = tmp_path / "keepalived.conf"
    text = (CONF / "keepalived.conf").read_text()
    example.write_text("\n".join(line.removeprefix("#") for line in text[text.index("#vrrp_instance") :].splitlines()))
    host.netlink.link("add", ifname="eth0", kind="veth", peer={"ifname": "peer"})
    assert "no problems" in host.run(str(BIN / "pyvrrp"), "check", str(example))
    assert "real_server 10.71.12.69 80" in host.run(str(BIN / "pyvrrp"), "config", str(example))


def test_modules_are_named_one_a_line() -> None:
    lines = (CONF / "modules-load.d/pyvrrp.conf").read_text().splitlines()
    assert all(line.startswith("#") or line.replace("_", "").isalnum() for line in lines)


SCRIPTS = [ROOT / name for name in ("tests/run", ".ci/run", "tests/uml/run", "examples/lab/run")]


@pytest.mark.parametrize("script", [*SCRIPTS, *ROOT.glob("vagrant/provision/*.sh")], ids=lambda path: path.name)
def test_shell_scripts_are_sound(script: Path) -> None:
    run("shellcheck", "-x", script)


def test_the_vagrantfile_is_sound(tmp_path: Path) -> None:
    """No box and no hypervisor is needed for that. Its working files stay out of the checkout."""
    environment = {**os.environ, "VAGRANT_DOTFILE_PATH": str(tmp_path / "dot"), "VAGRANT_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        ["vagrant", "validate"], cwd=ROOT / "vagrant", env=environment, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "validated successfully" in done.stdout
