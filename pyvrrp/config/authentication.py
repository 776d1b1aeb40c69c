"""authentication and auth_hmac of an instance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import parse_integer
from pyvrrp.config.source import Line
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import integer, scalars, text
from pyvrrp.errors import Severity
from pyvrrp.model.auth_hmac import Hmac, HmacKey, HmacMode
from pyvrrp.model.vrrp import Authentication, AuthType
from pyvrrp.units import SECOND, Micros

PASSWORD_MAX: Final = 8
UNSIGNED: Final = "adverts carry no authentication"
KEY_LENGTHS: Final = range(32, 65)
WINDOW: Final = (5, 300)
"""Seconds: what three advertisement intervals are brought between."""
MODES: Final = {mode.value: mode for mode in HmacMode}


@dataclass(slots=True)
class Secret:
    """The authentication blocks of an instance, while they are read."""

    type: AuthType | None = None
    password: bytes | None = None

    def read(self, block: Statement, problems: Problems) -> None:
        for child in block.children:
            if not isinstance(child.value, str):
                continue
            if child.word == "auth_pass":
                password = child.value.encode("utf-8", "surrogateescape")
                if len(password) > PASSWORD_MAX:
                    message = f"auth_pass is longer than {PASSWORD_MAX} characters"
                    effect = f"the first {PASSWORD_MAX} are used, as by keepalived"
                    problems.error(child.line, message, effect, word=1)
                self.password = password[:PASSWORD_MAX]
            elif child.value in ("PASS", "AH"):
                self.type = AuthType[child.value]
            else:
                message = f"`{child.value}` is not an authentication type"
                problems.error(child.line, message, word=1, suggestion="write PASS or AH, in capitals")

    def finish(
        self, line: Line | None, version: int, family: int, problems: Problems, *, strict: bool, signed: bool
    ) -> Authentication | None:
        """What is left of it. `strict`: with strict_mode; `signed`: with auth_hmac; `line`: of the last block."""
        if line is None or self.type is None:
            return None
        if version == 3 or strict:
            what = "strict mode" if strict else "version 3"
            problems.error(line, f"{what} has no authentication", UNSIGNED, suggestion="delete the block")
        elif not self.password:
            problems.error(line, "there is no auth_pass", UNSIGNED)
        elif signed:
            problems.error(line, "authentication does not go together with auth_hmac", "only auth_hmac counts")
        elif family == 6 and self.type is AuthType.AH:
            problems.error(line, "there is no AH for IPv6", UNSIGNED)
        elif family == 6:
            message = "version 2 over IPv6 has no place for a password"
            suggestion = "use auth_hmac, or version 3 without"
            problems.add(line, Severity.ERROR, message, UNSIGNED, suggestion=suggestion)
        else:
            return Authentication(type=self.type, password=self.password)
        return None


def read_hmac(block: Statement, advert_int: Micros, problems: Problems, *, strict: bool) -> Hmac | None:
    """None where it cannot sign nor verify, which is told."""
    lines = {child.word: child.line for child in block.children}
    values = scalars(block)
    keys = _keys((child for child in block.children if child.word == "key"), problems)
    active = integer(values, "active_key", 0)
    if active not in keys:
        message = f"active_key {active} is no usable key" if active else "there is no active_key"
        problems.error(lines.get("active_key", block.line), message, "auth_hmac is off: adverts are not signed")
        return None
    replay = text(values, "anti_replay")
    if replay not in (None, "time", "monotonic"):
        problems.error(lines["anti_replay"], f"`{replay}` is no way to recognise replays", "time is used", word=1)
    word = text(values, "mode")
    mode = MODES.get(word or "", HmacMode.ENFORCE)
    if word is not None and word not in MODES:
        suggestion = "write enforce, permissive or receive-only"
        problems.error(lines["mode"], f"`{word}` is no mode", "enforce is used", word=1, suggestion=suggestion)
    elif strict and mode is not HmacMode.ENFORCE:
        problems.error(lines["mode"], f"strict mode does not go together with `{word}`", "enforce is used", word=1)
        mode = HmacMode.ENFORCE
    window = min(WINDOW[1], max(WINDOW[0], 3 * (advert_int // SECOND)))
    return Hmac(
        keys=tuple(keys.values()),
        active_key=active,
        time_window=integer(values, "time_window", window),
        monotonic=replay == "monotonic",
        mode=mode,
    )


def _keys(statements: Iterable[Statement], problems: Problems) -> dict[int, HmacKey]:
    keys: dict[int, HmacKey] = {}
    for child in statements:
        words = child.words
        number = parse_integer(words[1], 1, 255) if len(words) > 1 else "a key needs its number"
        if isinstance(number, str):
            problems.error(child.line, number, "the key is left out", word=1 if len(words) > 1 else 0)
            continue
        if len(words) < 3:
            problems.error(child.line, f"key {number} has no value", "the key is left out", word=1)
        elif number in keys:
            problems.error(child.line, f"there is a key {number} already", "this one is left out", word=1)
        elif words[2].startswith("file:"):
            keys[number] = HmacKey(number=number, file=words[2].removeprefix("file:"))
        else:
            value = key_value(words[2])
            if isinstance(value, str):
                problems.error(child.line, f"key {number}: {value}", "the key is left out", word=2)
            else:
                keys[number] = HmacKey(number=number, value=value)
    return keys


def key_value(written: str) -> bytes | str:
    """The key that stands in a configuration or a file, or what is wrong with it."""
    value = written.encode("utf-8", "surrogateescape")
    if written.startswith("hex:"):
        try:
            value = bytes.fromhex(written.removeprefix("hex:"))
        except ValueError:
            return "`hex:` is followed by something else than pairs of hexadecimal digits"
    if len(value) not in KEY_LENGTHS:
        return f"it has {len(value)} bytes, not {KEY_LENGTHS.start} to {KEY_LENGTHS.stop - 1}"
    return value
