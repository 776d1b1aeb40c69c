"""strict_mode: what the RFCs do not know is refused, and the defaults are theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pyvrrp.config.problems import Problems
from pyvrrp.config.source import Line
from pyvrrp.config.values import Values
from pyvrrp.errors import Severity

MUST_BE: Final[Mapping[str, object]] = {
    "lower_prio_no_advert": True,
    "higher_prio_send_advert": False,
    "garp_lower_prio_repeat": 0,
    "garp_lower_prio_delay": 0,
}
"""Settings of an instance that have one value only."""
DOWN_TIMER: Final = 3


def strict_values(
    values: Values,
    lines: Mapping[str, Line],
    block: Line,
    version: int,
    down_timer_adverts: int,
    problems: Problems,
    *,
    unicast: bool,
) -> dict[str, object]:
    """The values of the block as strict mode leaves them, its defaults among them; what it changes is told."""
    changed = dict(values)
    for word, only in MUST_BE.items():
        if values.get(word, only) != only:
            _reset(word, lines[word], _written(only), problems)
        changed[word] = only
    if down_timer_adverts != DOWN_TIMER:
        _reset("down_timer_adverts", lines.get("down_timer_adverts", block), str(DOWN_TIMER), problems)
    changed["down_timer_adverts"] = DOWN_TIMER
    if values.get("preempt_delay"):
        _reset("preempt_delay", lines["preempt_delay"], "0", problems)
        changed["preempt_delay"] = 0
    if "accept" in values and version == 2 and values.get("priority") != 255:
        message = "strict mode: with version 2 only the owner of an address accepts packets to it"
        problems.error(lines["accept"], message, "accept is ignored")
        del changed["accept"]
    changed.pop("no_virtual_ipaddress", None)
    if unicast:
        message = "no RFC knows unicast adverts"
        effect = "they are sent all the same; keepalived 2.4 refuses this on a link that can multicast"
        problems.add(lines["unicast_peer"], Severity.WARNING, message, effect)
    return changed


def _reset(word: str, line: Line, value: str, problems: Problems) -> None:
    problems.error(line, f"strict mode allows no other {word} than {value}", f"{word} is {value}", word=0)


def _written(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
