"""strict_mode, and what goes with unicast. The exit statuses are compared with keepalived's in tests/interop."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from pyvrrp.errors import Severity
from pyvrrp.model.vrrp import State, UnicastChecksum, VrrpInstance
from tests.unit.config.files import loaded

VIP = "virtual_ipaddress {\n10.0.0.1/24\n}\n"
KEY = "key 1 0123456789abcdef0123456789abcdef\nactive_key 1"
HMAC = f"auth_hmac {{\n{KEY}\n}}"
PEER = "unicast_peer {\n10.0.0.9\n}\n"


def read(body: str, rest: str = VIP, globals_: str = "") -> tuple[VrrpInstance, list[str]]:
    head = f"global_defs {{\n{globals_}\n}}\nvrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\n"
    found = loaded(f"{head}{body}\n{rest}}}\n")
    told = [p.message for p in found.problems if p.severity in (Severity.ERROR, Severity.WARNING, Severity.FATAL)]
    return found.config.vrrp_instances[0], told


def test_its_defaults() -> None:
    for made, told in (read("strict_mode"), read("", globals_="vrrp_strict"), read("strict_mode yes")):
        assert told == []
        assert made.strict_mode
        assert made.lower_prio_no_advert
        assert not made.higher_prio_send_advert
        assert (made.garp.lower_prio_repeat, made.garp.lower_prio_delay) == (0, 0)
    owner, _ = read("strict_mode\npriority 255")
    assert owner.owner_ignore_adverts
    assert owner.state is State.MASTER
    assert not read("strict_mode off", globals_="vrrp_strict")[0].strict_mode


@pytest.mark.parametrize(
    ("body", "field", "value"),
    [
        ("authentication {\nauth_type PASS\nauth_pass x\n}", "authentication", None),
        ("authentication {\nauth_type AH\nauth_pass x\n}", "authentication", None),
        (f"version 3\nauth_hmac {{\n{KEY}\nmode permissive\n}}", "auth_hmac", read(f"version 3\n{HMAC}")[0].auth_hmac),
        (
            f"version 3\nauth_hmac {{\n{KEY}\nmode receive-only\n}}",
            "auth_hmac",
            read(f"version 3\n{HMAC}")[0].auth_hmac,
        ),
        ("use_vmac\nvmac_xmit_base", "vmac_xmit_base", False),
        ("accept", "accept", False),
        ("down_timer_adverts 5", "down_timer_adverts", 3),
        ("preempt_delay 5", "preempt_delay", 0),
        ("lower_prio_no_advert off", "lower_prio_no_advert", True),
        ("higher_prio_send_advert", "higher_prio_send_advert", False),
        ("garp_lower_prio_repeat 3", "garp", read("strict_mode")[0].garp),
        ("garp_lower_prio_delay 3", "garp", read("strict_mode")[0].garp),
        ("state MASTER\npriority 100", "state", State.BACKUP),
        ("state BACKUP\npriority 255", "state", State.MASTER),
    ],
)
def test_what_it_refuses(body: str, field: str, value: Any) -> None:
    plain, _ = read(body)
    assert getattr(plain, field) != value
    strict, told = read(f"strict_mode\n{body}")
    assert getattr(strict, field) == value
    assert len(told) == 1


def test_it_asks_for_an_address_first_of_all_a_link_local_one() -> None:
    assert any("no virtual_ipaddress" in text for text in read("strict_mode\nno_virtual_ipaddress", "")[1])
    made, told = read("strict_mode", "virtual_ipaddress {\n2001:db8::1/64\n}\n")
    assert told == ["the first address is not link-local (fe80::)"]
    made, told = read("strict_mode\nversion 2", "virtual_ipaddress {\nfe80::1/64\n}\n")
    assert (made.version, told) == (3, ["strict mode has no version 2 over IPv6"])


def test_unicast_goes_on_with_a_warning() -> None:
    made, told = read(f"strict_mode\n{PEER}")
    assert made.unicast_peer == (IPv4Address("10.0.0.9"),)
    assert told == ["no RFC knows unicast adverts"]


def test_unicast_settings() -> None:
    made, told = read("unicast_peer {\n10.0.0.8 min_ttl 250\n10.0.0.9 max_ttl 3 min_ttl 2\n}\nunicast_ttl 9")
    assert [(limit.min_ttl, limit.max_ttl) for limit in made.peer_ttl] == [(250, 255), (2, 3)]
    assert (made.check_unicast_src, made.unicast_ttl, told) == (True, 9, [])
    assert read(f"{PEER}check_unicast_src")[0].check_unicast_src
    assert read(PEER, globals_="vrrp_check_unicast_src")[0].check_unicast_src
    assert not read(PEER)[0].check_unicast_src
    assert read("unicast_peer {\n10.0.0.8 min_ttl 9 max_ttl 8\n}")[1] == ["min_ttl 9 is more than max_ttl 8"]
    assert read(f"{PEER}mcast_dst_ip 224.0.0.19")[1] == ["adverts to unicast peers go to no multicast address"]


def test_without_peers_it_is_multicast_or_a_fault() -> None:
    made, _ = read("unicast_src_ip 10.0.0.8\nunicast_fault_no_peer")
    assert made.no_peer
    made, _ = read("unicast_src_ip 10.0.0.8")
    assert not made.no_peer
    made, told = read("unicast_fault_no_peer")
    assert (made.no_peer, told) == (False, [])


@pytest.mark.parametrize(
    ("word", "way"),
    [
        ("", UnicastChecksum.AUTO),
        ("old_unicast_checksum", UnicastChecksum.OLD),
        ("old_unicast_checksum never", UnicastChecksum.NEVER),
    ],
)
def test_checksums(word: str, way: UnicastChecksum) -> None:
    assert read(f"version 3\n{PEER}{word}")[0].old_unicast_checksum is way
    assert read("version 3", globals_="v3_checksum_as_v2")[0].v3_checksum_as_v2
    assert not read("version 3\nv3_checksum_as_v2 off", globals_="v3_checksum_as_v2")[0].v3_checksum_as_v2


def test_unicast_without_an_interface() -> None:
    text = "vrrp_instance V {\nvirtual_router_id 5\nunicast_src_ip 10.0.0.8\nunicast_peer {\n10.0.0.9\n}\n"
    found = loaded(text + "virtual_ipaddress {\n10.0.0.1 dev eth0\n}\n}\n")
    assert found.fatal == ()
    assert found.config.vrrp_instances[0].interface == ""
    found = loaded(text + "virtual_ipaddress {\n10.0.0.1\n}\n}\n")
    assert [problem.message for problem in found.fatal] == ["V has no (valid) interface"]


def test_timer_expired_backup_needs_nopreempt() -> None:
    assert read("nopreempt\ntimer_expired_backup")[0].timer_expired_backup == 254
    assert read("nopreempt\ntimer_expired_backup 120")[0].timer_expired_backup == 120
    made, told = read("timer_expired_backup")
    assert (made.timer_expired_backup, told) == (None, ["timer_expired_backup needs nopreempt"])


def test_the_multicast_group_of_ipv6_is_one_of_the_link() -> None:
    rest = "virtual_ipaddress {\nfe80::1/64\n}\n"
    made, told = read("mcast_dst_ip ff05::12", rest)
    assert str(made.mcast_dst_ip) == "ff02::12"
    assert told == ["ff05::12 is no multicast address of a link (ff02::)"]
    assert str(read("mcast_dst_ip ff02::99", rest)[0].mcast_dst_ip) == "ff02::99"
