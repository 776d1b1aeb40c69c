from __future__ import annotations

from pathlib import Path

from tests.unit.cli.test_show import run

CONFIG = """\
vrrp_instance V {
    interface lo0
    virtual_router_id 5
    @other priority 7
    authentication {
        auth_type PASS
        auth_pass geheim
    }
    virtual_ipaddress {
        10.0.0.1/24
    }
}
"""


def test_the_effective_configuration(tmp_path: Path) -> None:
    path = tmp_path / "keepalived.conf"
    path.write_text(CONFIG)
    done = run("config", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "    priority 100\n" in done.stdout
    assert "geheim" not in done.stdout
    other = run("config", "-i", "other", "--origins", "--show-secrets", str(path)).stdout
    assert "auth_pass geheim" in other
    assert [line.split() for line in other.splitlines() if "priority" in line] == [["priority", "7", "#", f"{path}:4"]]
    again = tmp_path / "again.conf"
    again.write_text(other)
    assert (
        run("config", "--show-secrets", str(again)).stdout
        == run("config", "-i", "other", "--show-secrets", str(path)).stdout
    )


def test_problems_are_counted_and_a_missing_file_is_no_success(tmp_path: Path) -> None:
    path = tmp_path / "keepalived.conf"
    path.write_text(CONFIG + "foo\n")
    done = run("config", str(path))
    assert done.returncode == 5
    assert "1 problem" in done.stderr
    assert run("config", str(tmp_path / "nosuch")).returncode == 6
