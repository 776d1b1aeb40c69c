from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from pyvrrp.config.defaults import Defaults, read_defaults
from pyvrrp.config.global_defs import build_global_defs
from pyvrrp.config.problems import Problems
from pyvrrp.config.tree import parse
from pyvrrp.errors import ConfigProblem, Severity
from pyvrrp.model.config import FlushOnStop, GlobalDefs
from pyvrrp.model.vrrp import Garp
from pyvrrp.units import SECOND
from tests.unit.config.files import only, source


def build(text: str) -> tuple[GlobalDefs, Defaults, list[ConfigProblem]]:
    expanded = source(text)
    problems = Problems(expanded)
    definitions, values = build_global_defs(parse(expanded, problems), problems)
    return definitions, read_defaults(values), problems.found


def test_nothing_said_is_keepaliveds_default() -> None:
    assert build("")[:2] == (GlobalDefs(), Defaults())


def test_everything_said() -> None:
    definitions, defaults, problems = build(
        """\
instance left
net_namespace blue
child_wait_time 7
global_defs {
    router_id one
    lvs_flush
    lvs_flush_on_stop VS
    dynamic_interfaces
    vrrp_startup_delay 2.5
    vrrp_garp_interval 0.5
    vrrp_version 3
    vrrp_mcast_group4 224.0.0.99
    vrrp_mcast_group6 ff02::99
    vrrp_gna_interval 0.25
    vrrp_garp_master_delay 1
    vrrp_garp_master_repeat 2
    vrrp_garp_master_refresh 60
    vrrp_garp_master_refresh_repeat 3
    vrrp_down_timer_adverts 5
    vrrp_lower_prio_no_advert
    vrrp_higher_prio_send_advert on
    vrrp_skip_check_adv_addr all
    vrrp_check_unicast_src
}
global_defs {
    router_id two
    vrrp_owner_ignore_adverts yes
    checker_log_all_failures
}
"""
    )
    assert problems == []
    assert definitions == GlobalDefs(
        router_id="two",
        instance="left",
        net_namespace="blue",
        use_pid_dir=True,
        child_wait_time=7 * SECOND,
        lvs_flush=True,
        lvs_flush_on_stop=FlushOnStop.SERVICES,
        vrrp_startup_delay=2_500_000,
        garp_interval=500_000,
        gna_interval=250_000,
        dynamic_interfaces=True,
    )
    assert defaults == Defaults(
        version=3,
        garp=Garp(
            repeat=2,
            delay=SECOND,
            refresh=60 * SECOND,
            refresh_repeat=3,
            lower_prio_repeat=2,
            lower_prio_delay=SECOND,
        ),
        groups={4: IPv4Address("224.0.0.99"), 6: IPv6Address("ff02::99")},
        down_timer_adverts=5,
        lower_prio_no_advert=True,
        higher_prio_send_advert=True,
        skip_check_adv_addr=True,
        check_unicast_src=True,
        owner_ignore_adverts=True,
    )


def test_minimal_garp_leaves_what_is_said() -> None:
    assert build("global_defs {\nvrrp_min_garp\n}\n")[1].garp == Garp(
        repeat=1, delay=0, lower_prio_repeat=1, lower_prio_delay=0
    )
    assert build("global_defs {\nvrrp_min_garp\nvrrp_garp_master_repeat 4\n}\n")[1].garp.repeat == 4


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("vrrp_garp_master_repeat 0", Severity.ERROR),
        ("vrrp_mcast_group4 10.0.0.1", Severity.ERROR),
        ("vrrp_mcast_group6 10.0.0.1", Severity.ERROR),
        ("vrrp_mcast_group6 fe80::1", Severity.ERROR),
        ("include_check nonsense", Severity.ERROR),
        ("include_check read match", Severity.ERROR),
        ("vrrp_garp_interval 0", Severity.ERROR),
        ("lvs_flush_on_stop foo", Severity.ERROR),
    ],
)
def test_what_is_told(text: str, severity: Severity) -> None:
    definitions, defaults, problems = build(f"global_defs {{\n{text}\n}}\n")
    assert only(problems).severity is severity
    assert defaults.garp.repeat in (1, 5)
    assert defaults.groups[4] == IPv4Address("224.0.0.18")
    assert definitions.garp_interval == 0


def test_flush_without_a_word_means_all() -> None:
    assert build("global_defs {\nlvs_flush_onstop\n}\n")[0].lvs_flush_on_stop is FlushOnStop.ALL
