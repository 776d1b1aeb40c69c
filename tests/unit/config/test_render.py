"""The effective configuration loads to what it was made of, and says where each value comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyvrrp.config import load
from pyvrrp.config.render import render
from tests.unit.config.files import MAIN, source
from tests.unit.config.reference import TEXT
from tests.unit.config.test_reference import LAYOUTS

TESTS = Path(__file__).parents[2]
INSTANCE = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\n%s\nvirtual_ipaddress {\n10.0.0.1/24\n}\n}\n"
SERVER = (
    "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n%s\nreal_server 10.0.0.2 80 {\n%s\n}\n}\n"
)
AROUND = {
    "V": INSTANCE,
    "G": "global_defs {\n%s\n}\n" + INSTANCE % "" + SERVER % ("", "TCP_CHECK {\n}"),
    "S": SERVER % ("%s", "TCP_CHECK {\n}"),
    "R": SERVER % ("", "%s"),
    "T": SERVER % ("", "TCP_CHECK {\n%s\n}"),
    "U": SERVER % ("", "UDP_CHECK {\n%s\n}"),
    "F": "%s\n",
}


def samples() -> Iterator[str]:
    """The configurations on which we and keepalived are compared."""
    kind = ""
    for line in (TESTS / "interop" / "verdicts.txt").read_text().splitlines():
        if line.startswith("["):
            kind = line[1]
        elif line and not line.startswith("# ") and kind in AROUND:
            yield AROUND[kind] % ("" if line == "(nothing)" else line.replace("; ", "\n"))


def same_again(text: str | bytes) -> None:
    first = source(text)
    written = render(first, show_secrets=True)
    again = source(written.encode("utf-8", "surrogateescape"))
    assert load(again).config == load(first).config, written
    assert render(again, show_secrets=True) == written
    commented = render(first, show_secrets=True, origins=True)
    assert load(source(commented.encode("utf-8", "surrogateescape"))).config == load(first).config, commented


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_reference_configuration(layout: str) -> None:
    same_again(LAYOUTS[layout])


@pytest.mark.parametrize("path", sorted((TESTS.parent / "examples").rglob("*.conf")), ids=lambda path: path.parent.name)
def test_the_examples(path: Path) -> None:
    same_again(path.read_text())


def test_all_samples() -> None:
    texts = list(samples())
    assert len(texts) > 500
    for text in texts:
        same_again(text)


@pytest.mark.parametrize(
    "inside",
    [
        "state MASTER\nstate BACKUP",
        "priority 255\npreempt_delay 5",
        "state MASTER\npreempt_delay 5\nnopreempt",
        "nopreempt\npreempt",
        "version 3\nadvert_int 0.25",
        "version 2\nversion 3\nadvert_int 50.5",
        "unicast_src_ip 10.0.0.7\nunicast_peer {\n10.0.0.8\n}\ncheck_unicast_src",
        "mcast_dst_ip 224.0.0.99",
        'authentication {\nauth_type PASS\nauth_pass "a#b !c"\n}',
        "authentication {\nauth_type PASS\nauth_pass a\\#b\n}",
        'notify_master "/bin/x \'a b\' \\"c\\""',
        "skip_check_adv_addr\ngarp_master_repeat 0\ngarp_lower_prio_delay 0",
        "priority 300\npriority 120\npriority abc",
    ],
)
def test_what_depends_on_order_and_quotes(inside: str) -> None:
    same_again(INSTANCE % inside)


def lines(text: str, **others: str) -> dict[str, str]:
    """Line to origin."""
    written = render(source(text, **others), origins=True).splitlines()
    return {
        line.partition("  # ")[0].strip(): line.partition("  # ")[2] for line in reversed(written) if "  # " in line
    }


def test_origins() -> None:
    text = "$P=120\n~LST(D, 1) priority ${P}\nadvert_int 1.6\nnb_get_retry 2\n"
    found = lines("include /etc/more.conf\n" + INSTANCE % text, more="global_defs {\nvrrp_garp_master_delay 7\n}\n")
    assert found["interface eth0"] == f"{MAIN}:3"
    assert found["version 2"] == "default"
    assert found["advert_int 2"] == f"{MAIN}:7, written as `advert_int 1.6`"
    assert found["garp_master_delay 7"] == f"/etc/more.conf:2, included from {MAIN}:1"
    assert found["priority 120"].startswith(f"{MAIN}:6, ")
    assert "expanded from" in found["priority 120"]


def test_what_a_check_inherits() -> None:
    found = lines(SERVER % ("delay_loop 7\nconnect_timeout 2", "retry 4\nTCP_CHECK {\n}"))
    assert found["delay_loop 7"] == f"{MAIN}:5"
    assert found["connect_timeout 2"] == f"{MAIN}:6"
    assert found["retry 4"] == f"{MAIN}:8"
    assert found["delay_before_retry 1"] == "default"
    assert found["connect_port 80"] == "default"


def test_what_is_refused_is_not_written() -> None:
    written = render(source(INSTANCE % "bogus 1\npriority 300"))
    assert "bogus" not in written
    assert "    priority 100\n" in written


def test_secrets_are_masked() -> None:
    text = INSTANCE % 'authentication {\nauth_type PASS\nauth_pass "geheim 1"\n}\nauth_hmac {\nkey 1 geheim2\n}'
    text += "SSL {\npassword geheim3\nkey /etc/key.pem\n}\n"
    for origins in (True, False):
        written = render(source(text), origins=origins)
        assert "geheim" not in written
        assert "auth_pass ********" in written
        assert "key /etc/key.pem" in written
    assert render(source(text), show_secrets=True).count("geheim") == 3


def test_the_defaults_are_filled_in() -> None:
    written = render(source(TEXT))
    for line in ("version 2", "garp_master_delay 5", "quorum 1", "warmup 6", "connect_ip 10.71.12.76", "retry 3"):
        assert f" {line}\n" in written
