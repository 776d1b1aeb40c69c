"""Weights of trackers on members of a sync group, as the advertisements show them: ours and keepalived's."""

from __future__ import annotations

import pytest

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import VIP, VIP_2, Lab, instance

pytestmark = [pytest.mark.root, pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)]

ANY = pytest.mark.parametrize("program", [OURS, pytest.param(KEEPALIVED, marks=pytest.mark.keepalived)])


def conf(lab: Lab, group: str, inside: str) -> str:
    number = lab.directory / "number"
    number.write_text("-20\n")
    members = instance("INSIDE", priority=150, more=inside)
    members += instance("OUTSIDE", priority=140, vrid=52, device="eth1", vips=(f"{VIP_2}/24",))
    file = f"track_file load {{\nfile {number}\nweight 1\n}}\n"
    return f"{file}vrrp_sync_group G {{\ngroup {{\nINSIDE\nOUTSIDE\n}}\n{group}\n}}\n{members}"


@ANY
@pytest.mark.parametrize(
    ("group", "inside", "priorities"),
    [
        ("sync_group_tracking_weight", "track_file {\nload weight 1\n}\n", (130, 140)),
        ("track_file {\nload weight 1\n}", "", (130, 120)),
        ("global_tracking", "track_file {\nload weight 1\n}\n", (130, 140)),
    ],
    ids=["differing", "of-the-group", "global"],
)
def test_weights(lab: Lab, program: str, group: str, inside: str, priorities: tuple[int, int]) -> None:
    lab.start("d1", program, conf(lab, group, inside))
    for vip in (VIP, VIP_2):
        lab.until_master("d1", vip)
    for segment, vrid in enumerate((51, 52)):
        wanted = priorities[segment]
        lab.until(
            lambda s=segment, v=vrid, w=wanted: (
                [a.priority for a in lab.adverts("d1", vrid=v, segment=s)][-3:] == [w] * 3
            ),  # type: ignore[misc]
            within=5,
            what=f"priority {wanted} on the wire",
        )


@ANY
def test_without_the_word_a_weight_is_none(lab: Lab, program: str) -> None:
    """Then a file that holds another number than 0 is a fault, of all members."""
    lab.start("d1", program, conf(lab, "", "track_file {\nload weight 1\n}\n"))
    lab.until(lambda: "entering fault state" in lab.daemons["d1"].log().lower(), within=5, what="a fault")
    lab.holds_for(lambda: lab.holders(VIP) == lab.holders(VIP_2) == [], seconds=1, what="neither leads")
    lab.directory.joinpath("number").write_text("0\n")
    for vip in (VIP, VIP_2):
        lab.until_master("d1", vip)
