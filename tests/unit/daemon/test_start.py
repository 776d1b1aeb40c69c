"""Which worker begins to load before the configuration is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pyvrrp.daemon.options import Options
from pyvrrp.daemon.start import first_role

BOTH = "vrrp_instance V {\n}\nvirtual_server 192.0.2.1 80 {\n}\n"


@pytest.mark.parametrize(
    ("text", "changes", "role"),
    [
        (BOTH, {}, "vrrp"),
        (BOTH, {"run_vrrp": False}, "checkers"),
        (BOTH, {"run_checkers": False}, "vrrp"),
        (BOTH, {"run_vrrp": False, "run_checkers": False}, None),
        ("virtual_server 192.0.2.1 80 {\n}\n", {}, "checkers"),
        ("virtual_server 192.0.2.1 80 {\n}\n", {"run_checkers": False}, None),
        ("include /etc/keepalived/*.conf\nvirtual_server 192.0.2.1 80 {\n}\n", {}, "vrrp"),
        ("global_defs {\n}\n", {}, None),
        ("global_defs {\n}\n", {"all_workers": True}, "vrrp"),
    ],
)
def test_a_glance_at_the_main_file_says_who_is_needed_first(
    tmp_path: Path, text: str, changes: dict[str, bool], role: str | None
) -> None:
    path = tmp_path / "keepalived.conf"
    path.write_text(text)
    assert first_role(replace(Options(config_file=str(path)), **changes)) == role  # type: ignore[arg-type]


def test_several_files_may_have_anything(tmp_path: Path) -> None:
    assert first_role(Options(config_file=f"{tmp_path}/*.conf")) == "vrrp"
