"""The captures, judged by the configurations that they were made with: what keepalived's log said, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pyvrrp.model.vrrp import Authentication, AuthType, VrrpInstance
from pyvrrp.sniff.captures import read
from pyvrrp.sniff.frames import Advert, decode
from pyvrrp.sniff.verdicts import Judge
from pyvrrp.units import SECOND
from tests.golden.pcap import CAPTURES
from tests.unit.simulate.stage import config, instance


def verdicts(name: str, *instances: VrrpInstance, interface: str = "") -> list[tuple[str, str | None]]:
    judge = Judge(config(*instances))
    seen = [(frame.at, decode(frame.data)) for frame in read((CAPTURES / f"{name}.pcap").read_bytes())]
    return [judge.judge(at, interface, one) for at, one in seen if isinstance(one, Advert)]


def ours(number: int, **more: Any) -> VrrpInstance:
    return instance(virtual_router_id=number, **more)


PASS = Authentication(type=AuthType.PASS, password=b"s3cr3t")
AH = Authentication(type=AuthType.AH, password=b"ahpasswd")


@pytest.mark.parametrize(
    ("name", "judging"),
    [
        ("v2-noauth", ours(51)),
        ("v2-pass", ours(52, authentication=PASS)),
        ("v2-ah", ours(53, authentication=AH)),
        ("v3-ipv4", ours(54, version=3)),
    ],
)
def test_what_was_sent_as_configured_is_believed(name: str, judging: VrrpInstance) -> None:
    assert set(verdicts(name, judging)) == {("V", None)}


@pytest.mark.parametrize(
    ("name", "judging", "reason"),
    [
        ("v2-pass", ours(52, authentication=replace(PASS, password=b"x")), "password differs"),
        ("v2-pass", ours(52), "authentication type differs"),
        ("v2-ah", ours(53, authentication=replace(AH, password=b"x")), ""),
        ("v2-noauth", ours(51, version=3), "wrong VRRP version"),
        ("v2-noauth", ours(51, advert_int=2 * SECOND), "advertisement interval differs"),
        ("v2-unicast", ours(56), "TTL"),
    ],
)
def test_why_others_are_refused(name: str, judging: VrrpInstance, reason: str) -> None:
    found = verdicts(name, judging)
    told = [refusal for _, refusal in found if refusal is not None]
    assert told
    assert all(refusal.startswith(reason) or "wrong destination" in refusal for refusal in told)
    assert "s3cr3t" not in str(found)


def test_ids_that_no_instance_has() -> None:
    assert verdicts("v2-noauth", ours(99))[0] == ("", "no instance has virtual router id 51")
    assert verdicts("v2-noauth", ours(51), interface="eth7")[0][1] == "no instance has virtual router id 51 on eth7"


def test_an_instance_of_the_other_family_is_not_meant() -> None:
    assert verdicts("v3-ipv6", ours(55))[0][0] == ""
