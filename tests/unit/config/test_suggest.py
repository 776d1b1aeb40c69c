from __future__ import annotations

import pytest

from pyvrrp.config.schema import schema
from pyvrrp.config.suggest import distance, nearest


@pytest.mark.parametrize(
    ("left", "right", "edits"),
    [
        ("fail", "fall", 1),
        ("grap", "garp", 1),
        ("abc", "abc", 0),
        ("abc", "ab", 1),
        ("abc", "xyz", 3),
        ("a", "abcdef", 4),
    ],
)
def test_distance(left: str, right: str, edits: int) -> None:
    assert distance(left, right, 3) == edits
    assert distance(right, left, 3) == edits


@pytest.mark.parametrize(
    ("block", "wrong", "right"),
    [
        ("virtual_server/real_server/TCP_CHECK", "connetc_port", "connect_port"),
        ("/", "vvrp_script", "vrrp_script"),
        ("/", "bal_defs", "global_defs"),
        ("global_defs", "vrrp_grap_interval", "vrrp_garp_interval"),
        ("global_defs", "notificationd_email", "notification_email"),
        ("global_defs", "smtp_connection_timeout", "smtp_connect_timeout"),
        ("vrrp_instance", "lvs_sync_daemon_inteface", "lvs_sync_daemon_interface"),
        ("vrrp_instance", "Priority", "priority"),
        ("vrrp_script", "fail", "fall"),
        ("vrrp_instance", "x", None),
        ("vrrp_instance", "laddr_group_name", None),
        ("vrrp_instance", "z" * 5000, None),
    ],
)
def test_the_misspellings_of_the_field(block: str, wrong: str, right: str | None) -> None:
    assert nearest(wrong, schema()[block]) == right
