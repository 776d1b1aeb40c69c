"""load(render(load(x))) is load(x), for configurations made of all keywords with likely arguments."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pyvrrp.config.checks import CHECKS
from pyvrrp.config.schema import schema
from tests.property.test_config import LINES
from tests.unit.config.test_render import AROUND, same_again

VALUES = {
    "uint": ["0", "1", "2", "5", "100", "255"],
    "int": ["-1", "0", "3"],
    "secs": ["0.01", "0.5", "1", "2.5", "7"],
    "ms": ["1", "1000"],
    "ip": ["10.0.0.7", "224.0.0.99", "fe80::7"],
    "ifname": ["eth0", "eth1"],
    "bool": ["", "on", "off", "x"],
    "weight": ["-5", "5 reverse"],
}
WORDS = ["MASTER", "BACKUP", "PASS", "TCP", "UDP", "wlc", "sh", "NAT", "DR", "TUN", "inet", '"a b"', "255.255.255.0"]


@st.composite
def statement(draw: st.DrawFn, path: str) -> str:
    row = draw(st.sampled_from([row for row in schema()[path].values() if row.opens is None and row.word[0] != "<"]))
    kind = row.argument.lstrip("?!").partition(" ")[0].rstrip("~")
    value = draw(st.sampled_from([*VALUES.get(kind, WORDS), "", "300"]))
    return f"{row.word} {value}".strip()


def body(path: str) -> st.SearchStrategy[str]:
    return st.lists(statement(path), max_size=12).map("\n".join)


INSIDE = {
    "HTTP_GET": ["url {\npath /\n}"],
    "SSL_GET": ["url {\npath /\n}"],
    "SMTP_CHECK": ["", "host {\nconnect_ip 10.0.0.5\n}"],
}


@st.composite
def server(draw: st.DrawFn) -> str:
    """A real server with a check in it, at one of few addresses, so that some come twice."""
    check = draw(st.sampled_from(sorted(CHECKS)))
    head = f"real_server 10.0.0.{draw(st.integers(2, 4))} {draw(st.sampled_from(['', '0', '80', '81']))}"
    inner = draw(body("virtual_server/real_server"))
    probe = draw(body(f"virtual_server/real_server/{check}"))
    probe += "\n" + draw(st.sampled_from(INSIDE.get(check, [""])))
    return f"{head} {{\n{inner}\n{check} {{\n{probe}\n}}\n}}\n"


@settings(max_examples=150, deadline=None)
@given(body("global_defs"), body("vrrp_instance"))
def test_instances(definitions: str, instance: str) -> None:
    same_again(f"global_defs {{\n{definitions}\n}}\n" + AROUND["V"] % instance)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["10.0.0.1 80", "10.0.0.1", "fwmark 7"]),
    body("virtual_server"),
    st.lists(server(), max_size=4),
    body("virtual_server"),
)
def test_virtual_servers(head: str, before: str, servers: list[str], after: str) -> None:
    same_again(f"virtual_server {head} {{\n{before}\n{''.join(servers)}\n{after}\n}}\n")


@settings(max_examples=100, deadline=None)
@given(LINES)
def test_keywords_in_any_order(lines: list[str]) -> None:
    same_again("\n".join(lines).encode("utf-8", "replace"))
