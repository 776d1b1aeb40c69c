from __future__ import annotations

import pytest

from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.tracked import Tracked
from pyvrrp.model.vrrp import SyncGroup
from tests.unit.config.files import loaded, told


def instance(name: str, vrid: int, more: str = "", address: str = "") -> str:
    address = address or f"10.0.0.{vrid}"
    head = f"vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\n{more}\n"
    return f"{head}virtual_ipaddress {{\n{address}\n}}\n}}\n"


TWO = instance("V", 1) + instance("W", 2)


def test_a_group_before_its_members() -> None:
    group = "vrrp_sync_group G {\ngroup {\nV\nW\n}\ntrack_interface {\neth1 weight 5\n}\n}\n"
    found = loaded(group + TWO)
    assert found.problems == ()
    assert found.config.vrrp_sync_groups == (
        SyncGroup(name="G", members=("V", "W"), track_interface=(Tracked(name="eth1", weight=5),)),
    )
    assert loaded(TWO + "vrrp_sync_group G {\ngroup {\nV W\n}\n}\n").config.vrrp_sync_groups[0].members == ("V", "W")


@pytest.mark.parametrize(
    ("group", "members", "messages"),
    [
        ("group {\nV\n}", ["V"], ["sync group G has one member only"]),
        ("group {\nV\nX\n}", ["V"], ["sync group G has one member only", "there is no vrrp_instance X"]),
        ("group {\nX\n}", None, ["sync group G has no members", "there is no vrrp_instance X"]),
        ("", None, ["sync group G has no members"]),
        ("group {\nV\nV\nW\n}", ["V", "W"], ["instance V is in sync group G already"]),
        ("group {\nV\nW\n}\ngroup {\nW\n}", ["V", "W"], ["sync group G has its members already"]),
        ("group {\nV W\n}\ntrack_script {\nchk\n}", ["V", "W"], ["there is no vrrp_script chk"]),
        (
            "group {\nV W\n}\ntrack_interface {\neth0\n}",
            ["V", "W"],
            ["eth0 is tracked by G and by its member V", "eth0 is tracked by G and by its member W"],
        ),
    ],
)
def test_what_keepalived_complains_of(group: str, members: list[str] | None, messages: list[str]) -> None:
    found = loaded(TWO + f"vrrp_sync_group G {{\n{group}\n}}\n")
    assert [problem.message for problem in found.problems if problem.kind is ProblemClass.GENERAL] == messages
    groups = [list(one.members) for one in found.config.vrrp_sync_groups]
    assert groups == ([] if members is None else [members])


def test_a_member_belongs_to_the_first_group_only() -> None:
    found = loaded(TWO + "vrrp_sync_group G {\ngroup {\nV W\n}\n}\nvrrp_sync_group H {\ngroup {\nV\n}\n}\n")
    assert [one.name for one in found.config.vrrp_sync_groups] == ["G"]
    assert [text for _, _, text in told(found.problems)] == [
        "sync group H has no members",
        "instance V is in sync group G already",
    ]


def test_a_member_that_cannot_be_used_is_said_as_such() -> None:
    left_out = instance("S", 3).replace("interface eth0\n", "")
    found = loaded(TWO + left_out + "vrrp_sync_group G {\ngroup {\nV W S\n}\n}\n")
    assert found.config.vrrp_sync_groups[0].members == ("V", "W")
    assert [problem.severity for problem in found.problems] == [Severity.FATAL, Severity.NOTICE]


DEFINED = """\
vrrp_script s {
script /bin/true
}
vrrp_script sw {
script /bin/true
weight 5
}
track_file f {
file /tmp/f
}
track_file fw {
file /tmp/f
weight 3
}
vrrp_track_process p {
process sshd
}
vrrp_track_process pw {
process sshd
weight 7
}
bfd_instance b {
neighbor_ip 10.9.0.1
}
bfd_instance bw {
neighbor_ip 10.9.0.2
weight 9
}
"""
TRACKS = (
    "track_interface {\neth1 weight 4\n}\ntrack_script {\ns\nsw\n}\ntrack_file {\nf\nfw\n}\n"
    "track_process {\np\npw\n}\ntrack_bfd {\nb\nbw\n}"
)
GROUP = "vrrp_sync_group G {\ngroup {\nV W\n}\n%s\n}\n"


def tracked(text: str, name: str = "V") -> tuple[list[tuple[str, int]], int]:
    """What the instance tracks, and how many complaints there are that keepalived makes too."""
    found = loaded(DEFINED + text)
    instance = next(one for one in found.config.vrrp_instances if one.name == name)
    complaints = [problem for problem in found.problems if problem.kind is ProblemClass.GENERAL]
    return [(one.name, one.weight) for _, one in instance.tracked], len(complaints)


ALL = [("eth1", 4), ("s", 0), ("sw", 5), ("f", 1), ("fw", 3), ("p", 0), ("pw", 7), ("b", 0), ("bw", 9)]
WITHOUT = [("eth1", 4), ("s", 0), ("f", 0), ("p", 0), ("pw", 7), ("b", 0)]


def test_weights_of_a_member_alone_do_not_count() -> None:
    """As keepalived 2.2.7 says it for each of these, and does not for processes."""
    members = instance("V", 1, TRACKS) + instance("W", 2)
    assert tracked(members + GROUP % "") == (WITHOUT, 5)
    assert tracked(members) == (ALL, 0)


def test_unless_they_are_asked_for() -> None:
    members = instance("V", 1, TRACKS) + instance("W", 2)
    assert tracked(members + GROUP % "sync_group_tracking_weight") == (ALL, 0)
    assert tracked(members + GROUP % "global_tracking")[0] == ALL


def test_what_a_group_tracks_keeps_its_weights_and_wins() -> None:
    assert tracked(instance("V", 1) + instance("W", 2) + GROUP % TRACKS) == (ALL, 0)
    assert tracked(instance("V", 1, TRACKS) + instance("W", 2) + GROUP % TRACKS) == (
        [("eth1", 4), ("s", 0), ("sw", 5), ("f", 1), ("fw", 3), ("p", 0), ("pw", 7), ("b", 0), ("bw", 9)],
        6,
    )


def test_weights_mean_nothing_to_an_owner() -> None:
    assert tracked(instance("V", 1, TRACKS + "\npriority 255")) == (WITHOUT, 5)
    members = instance("V", 1, "priority 255") + instance("W", 2)
    none = [(name, 0) for name, _ in ALL]
    assert tracked(members + GROUP % TRACKS) == (none, 6)
    assert tracked(members + GROUP % TRACKS, "W") == (none, 6)


@pytest.mark.parametrize(
    ("second", "fatal"),
    [
        (instance("W", 1), True),
        (instance("W", 1, "mcast_dst_ip 224.0.0.99"), False),
        (instance("W", 1, "interface eth1"), False),
        (instance("W", 1, "unicast_peer {\n10.9.9.9\n}"), False),
    ],
)
def test_two_instances_for_one_virtual_router_stop_the_daemon(second: str, fatal: bool) -> None:
    assert bool(loaded(instance("V", 1) + second).fatal) is fatal


def test_unicast_instances_may_share_an_id_if_they_share_no_peer() -> None:
    peers = "unicast_peer {\n10.9.9.%d\n}"
    assert not loaded(instance("V", 1, peers % 1) + instance("W", 1, peers % 2)).fatal
    assert loaded(instance("V", 1, peers % 1) + instance("W", 1, peers % 1)).fatal
