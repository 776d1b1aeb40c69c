from __future__ import annotations

from pathlib import Path

import pytest

from pyvrrp.config.key_files import with_keys
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity
from pyvrrp.kernel.files import Files
from pyvrrp.model.auth_hmac import Hmac, HmacMode
from pyvrrp.model.vrrp import AuthType, State, VrrpInstance
from tests.unit.config.files import loaded

KEY = "0123456789abcdef0123456789abcdef"
HEX = "hex:" + bytes(range(32)).hex()


def read(body: str, vip: str = "10.0.0.1/24") -> tuple[VrrpInstance, list[tuple[Severity, str, ProblemClass]]]:
    text = f"vrrp_instance V {{\ninterface eth0\nvirtual_router_id 5\n{body}\nvirtual_ipaddress {{\n{vip}\n}}\n}}\n"
    found = loaded(text)
    problems = [(problem.severity, problem.message, problem.kind) for problem in found.problems]
    return found.config.vrrp_instances[0], problems


def signing(body: str, more: str = "") -> tuple[Hmac | None, list[str]]:
    made, problems = read(f"auth_hmac {{\n{body}\n}}\n{more}")
    return made.auth_hmac, [message for _, message, _ in problems]


def test_ah() -> None:
    made, problems = read("authentication {\nauth_type AH\nauth_pass secret\n}")
    assert made.authentication is not None
    assert (made.authentication.type, made.authentication.password) == (AuthType.AH, b"secret")
    assert problems == []


def test_ah_listens_first() -> None:
    made, problems = read("state MASTER\npriority 100\nauthentication {\nauth_type AH\nauth_pass secret\n}")
    assert made.state is State.BACKUP
    assert [message for _, message, _ in problems] == ["state MASTER does not go together with auth_type AH"]
    owner, problems = read("state MASTER\nauthentication {\nauth_type AH\nauth_pass secret\n}")
    assert (owner.state, owner.priority, problems) == (State.MASTER, 255, [])


@pytest.mark.parametrize(("kind", "klass"), [("AH", ProblemClass.GENERAL), ("PASS", ProblemClass.OK)])
def test_version_2_over_ipv6_takes_neither(kind: str, klass: ProblemClass) -> None:
    """keepalived takes PASS there and then never believes anything."""
    made, problems = read(f"version 2\nauthentication {{\nauth_type {kind}\nauth_pass x\n}}", "fe80::5/64")
    assert (made.version, made.family, made.authentication) == (2, 6, None)
    assert [(severity, kind) for severity, _, kind in problems] == [(Severity.ERROR, klass)]


def test_auth_hmac() -> None:
    made, problems = signing(f"key 1 {KEY}\nkey 7 {HEX}\nactive_key 7\nanti_replay monotonic\nmode permissive")
    assert made is not None
    assert [(key.number, key.value) for key in made.keys] == [(1, KEY.encode()), (7, bytes(range(32)))]
    assert (made.active_key, made.time_window, made.monotonic, made.mode) == (7, 5, True, HmacMode.PERMISSIVE)
    assert problems == []


@pytest.mark.parametrize(
    ("body", "window"),
    [("", 5), ("advert_int 2", 6), ("advert_int 200", 300), ("version 3\nadvert_int 0.1", 5), ("advert_int 7", 21)],
)
def test_the_window_is_three_intervals(body: str, window: int) -> None:
    made, _ = signing(f"key 1 {KEY}\nactive_key 1", body)
    assert made is not None
    assert made.time_window == window


@pytest.mark.parametrize(
    ("body", "message", "usable"),
    [
        (f"key 1 {KEY}", "there is no active_key", False),
        (f"key 1 {KEY}\nactive_key 2", "active_key 2 is no usable key", False),
        ("key 1 short\nactive_key 1", "key 1: it has 5 bytes, not 32 to 64", False),
        ("key 1 hex:0g\nactive_key 1", "key 1: `hex:` is followed by something else than pairs", False),
        (f"key 1 {65 * 'k'}\nactive_key 1", "key 1: it has 65 bytes", False),
        (f"key 0 {KEY}\nkey 1 {KEY}\nactive_key 1", "0 is out of range", True),
        (f"key 1 {KEY}\nkey 1 {HEX}\nactive_key 1", "there is a key 1 already", True),
        (f"key 1 {KEY}\nkey 2\nactive_key 1", "key 2 has no value", True),
        (f"key 1 {KEY}\nactive_key 1\nmode lax", "`lax` is no mode", True),
        (f"key 1 {KEY}\nactive_key 1\nanti_replay maybe", "`maybe` is no way to recognise replays", True),
        (f"key 1 {KEY}\nactive_key 1\ntime_window 301", "301 is out of range", True),
    ],
)
def test_what_is_wrong_with_auth_hmac(body: str, message: str, usable: bool) -> None:
    made, problems = signing(body)
    assert (made is not None) is usable
    assert any(problem.startswith(message) for problem in problems), problems


def test_auth_hmac_and_a_password_do_not_go_together() -> None:
    body = f"auth_hmac {{\nkey 1 {KEY}\nactive_key 1\n}}\nauthentication {{\nauth_type PASS\nauth_pass x\n}}"
    made, problems = read(body)
    assert made.authentication is None
    assert made.auth_hmac is not None
    assert [message for _, message, _ in problems] == ["authentication does not go together with auth_hmac"]


def from_file(path: Path, content: str, mode: int = 0o600) -> tuple[Hmac | None, list[ConfigProblem]]:
    path.write_text(content)
    path.chmod(mode)
    text = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nauth_hmac {\n"
    text += f"key 1 {KEY}\nkey 2 file:{path}\nactive_key 2\n}}\nvirtual_ipaddress {{\n10.0.0.1\n}}\n}}\n"
    found = loaded(text)
    assert found.problems == ()
    config, problems = with_keys(found.config, found.key_files, Files().read_key)
    return config.vrrp_instances[0].auth_hmac, problems


@pytest.mark.parametrize(("content", "value"), [(f"{KEY}\n", KEY.encode()), (HEX, bytes(range(32)))])
def test_a_key_in_a_file(tmp_path: Path, content: str, value: bytes) -> None:
    made, problems = from_file(tmp_path / "key", content)
    assert made is not None
    assert [key.value for key in made.keys] == [KEY.encode(), value]
    assert problems == []


def test_a_file_that_others_can_read(tmp_path: Path) -> None:
    made, problems = from_file(tmp_path / "key", KEY, 0o640)
    assert made is not None
    assert [(problem.kind, problem.span.line) for problem in problems] == [(ProblemClass.SECURITY, 6)]


@pytest.mark.parametrize("content", ["too short", ""])
def test_a_file_without_a_usable_key_turns_signing_off(tmp_path: Path, content: str) -> None:
    made, problems = from_file(tmp_path / "key", content)
    assert made is None
    assert [problem.severity for problem in problems] == [Severity.ERROR, Severity.ERROR]
    assert problems[1].effect == "auth_hmac of V is off: adverts are not signed"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert Files().read_key(str(tmp_path / "none")) == "No such file or directory"
    assert Files().read_key(str(tmp_path)) == "Is a directory"
    assert Files().read_key("a\0b") == "embedded null byte"
