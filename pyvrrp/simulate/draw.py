"""The timeline as a picture: one SVG, or a page around it, that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from pyvrrp.simulate.story import Change, Happening, Story
from pyvrrp.simulate.summary import clock_text, figures, label, verdict
from pyvrrp.units import Micros

_WIDTH: Final = 1120
_LEFT: Final = 190
_RIGHT: Final = 24
_LANE: Final = 22
_GAP: Final = 5
_PLOT: Final = _WIDTH - _LEFT - _RIGHT
_MOST_MARKS: Final = 60
"""More steps than that are lines without numbers."""
_LEVELS: Final = 5
_MOST_SENTENCES: Final = 8

_COLOURS: Final = {
    "MASTER": "#2f9e6e",
    "BACKUP": "#c9d6e8",
    "FAULT": "#f0a04b",
    "INIT": "#e9edf2",
    "OFF": "url(#off)",
    "STOP": "url(#off)",
    "DELETED": "url(#off)",
}
_HELD: Final = {
    0: ("#f3c969", "nobody"),
    1: ("#2f9e6e", "one master"),
    2: ("#8a63d2", "two, apart or briefly"),
}
_WRONG: Final = "#d6336c"
_STEPS: Final = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
"""Seconds between two marks of the axis."""
_STYLE: Final = """
text{font:12px system-ui,'Segoe UI','Helvetica Neue',Arial,sans-serif;fill:#24303f}
.title{font-size:17px;font-weight:600}.sub{fill:#5d6b7c}.head{font-weight:600;font-size:13px}
.tick{fill:#7b8794;font-size:11px}.grid{stroke:#e4e9ef}.step{stroke:#4c6ef5;stroke-dasharray:3 3;stroke-opacity:.75}
.mark{fill:#4c6ef5}.marktext{fill:#fff;font-size:9.5px;font-weight:600;text-anchor:middle}
.bad{fill:#d6336c;font-weight:600}rect.state{stroke:#fff;stroke-width:.6}
"""


@dataclass(slots=True)
class _Canvas:
    duration: Micros
    parts: list[str]
    y: float = 0

    def x(self, at: Micros) -> float:
        return _LEFT + _PLOT * at / max(1, self.duration)

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>')

    def bar(self, begin: Micros, end: Micros, y: float, height: float, colour: str, told: str) -> None:
        x = self.x(begin)
        width = max(0.8, self.x(end) - x)
        self.parts.append(
            f'<rect class="state" x="{x:.2f}" y="{y:.1f}" width="{width:.2f}" height="{height}" rx="2" fill="{colour}">'
            f"<title>{escape(told)}</title></rect>"
        )


def draw(story: Story, *, html: bool = False) -> str:
    """The whole picture; with `html` a page that holds it, the figures and the steps."""
    svg = _svg(story, with_steps=not html)
    return _page(story, svg) if html else svg


def _svg(story: Story, *, with_steps: bool) -> str:
    canvas = _Canvas(story.duration, [])
    canvas.text(16, 30, "Who held which address", "title")
    canvas.text(
        16,
        50,
        f"{', '.join(story.directors)} for {clock_text(story.duration)}, seed {story.seed}: {story.adverts} "
        f"advertisements, {story.lost} packets lost, {len(story.violations)} violations",
        "sub",
    )
    _legend(canvas, 72)
    places = _places(canvas, story.happenings)
    canvas.y = 112 + 15 * max(places, default=0)
    top = canvas.y - 14
    for name, lanes, addresses in _routers(story):
        _router(canvas, story, name, lanes, addresses)
    bottom = canvas.y
    behind = _Canvas(story.duration, [])
    _axis(behind, top, bottom)
    _marks(canvas, story.happenings, places, top, bottom)
    canvas.y = bottom + 26
    for sentence in list(verdict(story))[:_MOST_SENTENCES]:
        for line in _wrapped(sentence, 150):
            canvas.text(16, canvas.y, line, "bad")
            canvas.y += 16
    if with_steps and len(story.happenings) <= _MOST_MARKS:
        _step_list(canvas, story.happenings)
    height = canvas.y + 12
    body = "\n".join((*behind.parts, *canvas.parts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" width="{_WIDTH}" '
        f'height="{height:.0f}" role="img" aria-label="Timeline of virtual addresses">\n<style>{_STYLE}</style>\n'
        '<defs><pattern id="off" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" fill="#f4f5f7"/><rect width="2" height="6" fill="#d3d8df"/></pattern></defs>\n'
        f'<rect width="{_WIDTH}" height="{height:.0f}" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _legend(canvas: _Canvas, y: float) -> None:
    x = 16.0
    named = [(_COLOURS[state], state) for state in ("MASTER", "BACKUP", "FAULT", "OFF")]
    named += [(_HELD[0][0], "held by nobody"), (_HELD[2][0], _HELD[2][1]), (_WRONG, "outside of the protocol's window")]
    for colour, text in named:
        canvas.parts.append(
            f'<rect x="{x:.0f}" y="{y - 10:.0f}" width="14" height="12" rx="2" fill="{colour}" stroke="#b8c2cc" '
            'stroke-width=".5"/>'
        )
        canvas.text(x + 19, y, text, "tick")
        x += 36 + 6.4 * len(text)


Lanes = list[tuple[str, str]]
"""Director and instance."""


def _routers(story: Story) -> Iterable[tuple[str, Lanes, list[int]]]:
    """What is drawn together: the instances that carry an address, and which services those are."""
    together: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for number, service in enumerate(story.services):
        together.setdefault(service.carriers, []).append(number)
    for carriers, numbers in together.items():
        names = dict.fromkeys(instance for _, instance in carriers)
        yield " / ".join(names), list(carriers), numbers


def _router(canvas: _Canvas, story: Story, name: str, lanes: Lanes, services: list[int]) -> None:
    addresses = [address for number in services for address in story.services[number].addresses]
    canvas.text(16, canvas.y + 4, f"{name}: {', '.join(addresses[:6])}{' ...' if len(addresses) > 6 else ''}", "head")
    canvas.y += 14
    for director, instance in lanes:
        canvas.text(_LEFT - 10, canvas.y + 15, director, "", "end")
        changes = [c for c in story.changes if (c.director, c.instance) == (director, instance)]
        for begin, end, state, why in _states(changes, canvas.duration):
            told = f"{director} is {state} from {clock_text(begin)} to {clock_text(end)}\n{why}"
            canvas.bar(begin, end, canvas.y, _LANE, _COLOURS.get(state, "#ccc"), told)
        canvas.y += _LANE + _GAP
    for number in services:
        service = story.services[number]
        canvas.text(_LEFT - 10, canvas.y + 9, label(service.addresses), "tick", "end")
        for span in service.spans:
            colour, what = _HELD[min(2, len(span.holders))]
            who = " and ".join(span.holders) or what
            told = f"{who} from {clock_text(span.begin)} to {clock_text(span.end)}\n{span.why}"
            canvas.bar(span.begin, span.end, canvas.y, 10, colour, told)
        for violation in story.violations:
            if violation.address == service.addresses[0] and violation.segment == service.segment:
                end = canvas.duration if violation.end is None else violation.end
                canvas.bar(violation.allowed_until, end, canvas.y - 2, 14, _WRONG, violation.why)
        canvas.y += 10 + _GAP
    canvas.y += 22


def _states(changes: Sequence[Change], end: Micros) -> Iterable[tuple[Micros, Micros, str, str]]:
    before: Change | None = None
    if not changes or changes[0].at > 0:
        yield 0, changes[0].at if changes else end, "OFF", "not started yet"
    for change in changes:
        if before is not None and change.at > before.at:
            yield before.at, change.at, before.state, before.why
        before = change
    if before is not None and end > before.at:
        yield before.at, end, before.state, before.why


def _axis(canvas: _Canvas, top: float, bottom: float) -> None:
    seconds = canvas.duration / 1_000_000
    step = next((step for step in _STEPS if seconds / step <= 12), 86400 * (1 + int(seconds / 86400 / 12)))
    count = int(seconds // step)
    for number in range(count + 1):
        at = number * step * 1_000_000
        x = canvas.x(at)
        canvas.parts.append(f'<line x1="{x:.1f}" y1="{top:.0f}" x2="{x:.1f}" y2="{bottom - 18:.0f}" class="grid"/>')
        canvas.text(x, bottom - 4, _axis_text(number * step), "tick", "middle")


def _axis_text(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, second = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes:02d}" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m{second:02d}" if second else f"{minutes}m"
    return f"{second}s"


def _places(canvas: _Canvas, happenings: Sequence[Happening]) -> list[int]:
    """How high each step's number stands, so that none covers another; -1: there is no room for it."""
    if len(happenings) > _MOST_MARKS:
        return [-1] * len(happenings)
    ends = [-99.0] * _LEVELS
    places: list[int] = []
    for happening in happenings:
        x = canvas.x(happening.at)
        level = next((level for level, end in enumerate(ends) if x >= end), -1)
        if level >= 0:
            ends[level] = x + 16
        places.append(level)
    return places


def _marks(canvas: _Canvas, happenings: Sequence[Happening], places: Sequence[int], top: float, bottom: float) -> None:
    for number, (happening, level) in enumerate(zip(happenings, places, strict=True), 1):
        x = canvas.x(happening.at)
        told = f"<title>{escape(f'{clock_text(happening.at)} {happening.what}')}</title>"
        canvas.parts.append(
            f'<line x1="{x:.1f}" y1="{top - 6:.0f}" x2="{x:.1f}" y2="{bottom - 18:.0f}" class="step">{told}</line>'
        )
        if level >= 0:
            y = top - 8 - 15 * level
            canvas.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="7.5" class="mark">{told}</circle>')
            canvas.text(x, y + 3.3, str(number), "marktext", "middle")


def _step_list(canvas: _Canvas, happenings: Sequence[Happening]) -> None:
    if not happenings:
        return
    canvas.y += 8
    canvas.text(16, canvas.y, "Steps", "head")
    canvas.y += 18
    columns = 3
    rows = -(-len(happenings) // columns)
    for number, happening in enumerate(happenings):
        column, row = divmod(number, rows)
        x = 16 + column * (_WIDTH - 32) / columns
        canvas.text(x, canvas.y + 16 * row, f"{number + 1}  {clock_text(happening.at)}  {happening.what}", "sub")
    canvas.y += 16 * rows


def _wrapped(text: str, width: int) -> Iterable[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>pyvrrp simulate</title><style>
body{margin:24px auto;max-width:1160px;color:#24303f}
body{font:14px/1.45 system-ui,'Segoe UI','Helvetica Neue',Arial,sans-serif}
svg{max-width:100%;height:auto}table{border-collapse:collapse;margin:16px 0}
td,th{padding:4px 14px 4px 0;text-align:left;border-bottom:1px solid #e4e9ef;vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}h2{font-size:16px;margin:28px 0 4px}
</style></head><body>
"""


def _page(story: Story, svg: str) -> str:
    rows = []
    for service in story.services:
        found = figures(service)
        share = 100 * found.one / max(1, story.duration)
        cells = (clock_text(found.none), clock_text(found.longest_none), clock_text(found.two), str(service.takeovers))
        rows.append(
            f"<tr><td>{escape(', '.join(service.addresses))}</td><td>{escape(service.segment)}</td>"
            f'<td class="n">{share:.3f} %</td>' + "".join(f'<td class="n">{cell}</td>' for cell in cells) + "</tr>"
        )
    steps = "".join(
        f'<tr><td class="n">{number}</td><td class="n">{clock_text(h.at)}</td><td>{escape(h.what)}</td></tr>'
        for number, h in enumerate(story.happenings, 1)
    )
    heads = "".join(f'<th class="n">{text}</th>' for text in ("one master", "none", "longest", "two", "takeovers"))
    return (
        f"{_PAGE}{svg}<h2>Figures</h2><table><tr><th>addresses</th><th>on</th>{heads}</tr>{''.join(rows)}</table>"
        f"<h2>Steps</h2><table>{steps}</table></body></html>\n"
    )
