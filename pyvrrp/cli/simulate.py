"""`pyvrrp simulate`: directors of real configuration files on a virtual network (docs/simulate.md)."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from ipaddress import ip_address
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Final

from pyvrrp.config import expand, load
from pyvrrp.kernel.files import Files
from pyvrrp.model.config import Config
from pyvrrp.net import Address
from pyvrrp.simulate.chaos import chaos, settling, tour
from pyvrrp.simulate.network import Path
from pyvrrp.simulate.scenario import ScenarioError, duration, parse, share
from pyvrrp.simulate.steps import Timed
from pyvrrp.simulate.story import Story
from pyvrrp.simulate.summary import Row, clock_text, document, figures, label, rows, verdict
from pyvrrp.simulate.topology import Port, Topology, lay_out
from pyvrrp.simulate.what_if import Outcome, Standing, UnknownThingError, what_if
from pyvrrp.simulate.world import World
from pyvrrp.units import MINUTE, SECOND, Micros

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

VIOLATED: Final = 1
USAGE: Final = 2
_MOST_ROWS: Final = 60
"""Of a longer timeline the middle is left out."""
_PLAIN_WIDTH: Final = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """The command line."""

    files: Sequence[str]
    """FILE or NAME=FILE."""
    scenario: str | None = None
    steps: Sequence[str] = ()
    """Steps as a scenario has them, ``at`` left out."""
    length: str | None = None
    chaos: int | None = None
    every: str = "1m"
    seed: int = 0
    loss: str = "0"
    delay: str = "200us"
    jitter: str = "0"
    duplicate: str = "0"
    reorder: str = "0"
    clocks: Sequence[str] = ()
    addresses: Sequence[str] = ()
    segments: Sequence[str] = ()
    fail: str | None = None
    timeline: str | None = None
    json_output: bool = False
    all_rows: bool = False


class UsageError(Exception):
    """What cannot be simulated; the message is for the user."""


@dataclass(slots=True)
class _Cast:
    """Who plays."""

    configs: dict[str, Config] = field(default_factory=dict)
    called: dict[str, str] = field(default_factory=dict)
    """What a scenario may call them."""


def simulate(wishes: Wishes) -> int:
    """Play, and tell; the exit status."""
    try:
        return _simulate(wishes)
    except (UsageError, ScenarioError, UnknownThingError) as error:
        message = error.args[0] if error.args else ""
        print(f"pyvrrp simulate: {message}", file=sys.stderr)  # noqa: T201
        return USAGE


def _simulate(wishes: Wishes) -> int:
    cast = _cast(wishes.files)
    topology = lay_out(cast.configs, _segments(wishes.segments, cast), _addresses(wishes.addresses, cast))
    if wishes.fail is not None:
        return _what_if(wishes, cast, topology)
    steps, length = _steps(wishes, cast, topology)
    path = Path(
        loss=share(wishes.loss),
        duplicate=share(wishes.duplicate),
        reorder=share(wishes.reorder),
        delay=duration(wishes.delay),
        jitter=duration(wishes.jitter),
    )
    clocks = {name: int(ppm.removesuffix("ppm")) for name, ppm in _pairs(wishes.clocks, cast, "--clock DIRECTOR=PPM")}
    world = World(
        cast.configs,
        steps,
        topology=topology,
        path=path,
        clocks=clocks,
        seed=wishes.seed if wishes.chaos is None else wishes.chaos,
        reload=lambda name, file: _load(file, name),
    )
    began = time.perf_counter()
    world.run(length)
    story = world.finish()
    took = time.perf_counter() - began
    if wishes.timeline is not None:
        from pyvrrp.simulate.draw import draw

        FilePath(wishes.timeline).write_text(draw(story, html=wishes.timeline.endswith((".html", ".htm"))))
    if wishes.json_output:
        sys.stdout.write(json.dumps({**document(story), "took": round(took * SECOND)}) + "\n")
    else:
        _print(story, took, None if wishes.all_rows else _MOST_ROWS)
    return VIOLATED if story.violations else 0


# Reading the command line.


def _cast(files: Sequence[str]) -> _Cast:
    cast = _Cast()
    for number, (name, file) in enumerate(_named(files), 1):
        if name in cast.configs:
            raise UsageError(f"two directors are called {name}: write NAME=FILE")
        cast.configs[name] = _load(file, name)
        cast.called[f"d{number}"] = cast.called.get(f"d{number}", name)
        cast.called[name] = name
    return cast


def _named(files: Sequence[str]) -> list[tuple[str, str]]:
    """Names of directors: as told; else the files' own, or their directories' where all files are called alike."""
    split: list[tuple[str, str]] = []
    for text in files:
        name, equals, file = text.partition("=")
        split.append((name, file) if equals and "/" not in name else ("", text))
    unnamed = [FilePath(file) for name, file in split if not name]
    choices = [[path.stem for path in unnamed], [path.absolute().parent.name for path in unnamed]]
    fallback = [f"d{number}" for number, (name, _) in enumerate(split, 1) if not name]
    chosen = next((names for names in choices if len(set(names)) == len(names) and all(names)), fallback)
    if len(chosen) == 1 and unnamed[0].stem == "keepalived":
        chosen = fallback
    names = iter(chosen)
    return [(name or next(names), file) for name, file in split]


def _load(file: str, name: str) -> Config:
    if not FilePath(file).is_file():
        raise UsageError(f"{file}: there is no such file")
    loaded = load(expand(file, Files(), name, os.environ))
    if loaded.fatal:
        raise UsageError(f"{file}: the daemon would not start with it; see pyvrrp check {file}")
    if not loaded.config.vrrp_instances:
        raise UsageError(f"{file}: there is no vrrp_instance in it")
    return loaded.config


def _pairs(texts: Sequence[str], cast: _Cast, usage: str) -> list[tuple[str, str]]:
    """DIRECTOR=VALUE."""
    pairs = []
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or name not in cast.called:
            raise UsageError(f"{text!r}: it is {usage}; directors are {', '.join(cast.configs)}")
        pairs.append((cast.called[name], value))
    return pairs


def _port(text: str, cast: _Cast) -> Port:
    name, colon, interface = text.partition(":")
    if not colon or name not in cast.called:
        raise UsageError(f"{text!r} is no DIRECTOR:INTERFACE; directors are {', '.join(cast.configs)}")
    return cast.called[name], interface


def _addresses(texts: Sequence[str], cast: _Cast) -> dict[Port, list[Address]]:
    found: dict[Port, list[Address]] = {}
    for text in texts:
        port, _, addresses = text.partition("=")
        try:
            found[_port(port, cast)] = [ip_address(address) for address in addresses.split(",")]
        except ValueError as error:
            raise UsageError(f"{text!r}: it is --address DIRECTOR:INTERFACE=ADDRESS[,ADDRESS]") from error
    return found


def _segments(texts: Sequence[str], cast: _Cast) -> dict[Port, str]:
    return {
        _port(port, cast): name
        for name, _, ports in (text.partition("=") for text in texts)
        for port in ports.split(",")
    }


def _steps(wishes: Wishes, cast: _Cast, topology: Topology) -> tuple[list[Timed], Micros]:
    """What is to happen, and how long it takes in all."""
    length = None if wishes.length is None else duration(wishes.length)
    lines = "\n".join(step if step.startswith("at ") else f"at {step}" for step in wishes.steps)
    steps = parse(lines, "--at", cast.called)
    if wishes.scenario is not None:
        try:
            text = sys.stdin.read() if wishes.scenario == "-" else FilePath(wishes.scenario).read_text()
        except OSError as error:
            raise UsageError(f"{wishes.scenario}: {error.strerror}") from error
        steps = sorted([*steps, *parse(text, wishes.scenario, cast.called)], key=lambda timed: timed.at)
    if wishes.chaos is not None:
        length = length or 60 * MINUTE
        steps = [*steps, *chaos(wishes.chaos, cast.configs, topology, length, duration(wishes.every))]
    elif not steps and length is None:
        steps, length = tour(cast.configs)
    if length is None:
        length = max((timed.at for timed in steps), default=0) + settling(cast.configs)
    _check_links(steps, topology)
    return steps, length


def _check_links(steps: Sequence[Timed], topology: Topology) -> None:
    from pyvrrp.simulate.steps import Link

    for timed in steps:
        step = timed.step
        if isinstance(step, Link) and (step.director, step.interface) not in topology.facts:
            names = ", ".join(topology.ports(step.director))
            raise UsageError(f"`{step}`: {step.director} has no such interface; there are {names}")


# Telling.


def _console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        numeric = column.startswith(">")
        table.add_column(column.removeprefix(">"), justify="right" if numeric else "left", overflow="fold")
    return table


def _print(story: Story, took: float, most: int | None) -> None:
    console = _console()
    speed = story.duration / SECOND / 3600 / took if took else 0
    console.print(
        f"{', '.join(story.directors)} for {clock_text(story.duration)} (seed {story.seed}): {story.adverts}"
        f" advertisements, {story.lost} packets lost; {speed:.1f} virtual hours a second\n"
    )
    table = _table(">TIME", "ADDRESS", "HELD BY", "WHY")
    for row in _shortened(rows(story), most):
        if row is None:
            table.add_row("...", "", "", "rows left out: --all shows them", style="dim")
        elif not row.address:
            table.add_row(clock_text(row.at), "", "", f"* {row.why}", style="cyan")
        else:
            style = ("red", "green")[len(row.holders) == 1]
            table.add_row(clock_text(row.at), row.address, " ".join(row.holders) or "nobody", row.why, style=style)
    console.print(table)
    console.print()
    table = _table("ADDRESS", "ON", ">ONE MASTER", ">NONE", ">LONGEST", ">TWO", ">LONGEST", ">TAKEOVERS")
    for service in story.services:
        found = figures(service)
        table.add_row(
            label(service.addresses),
            service.segment,
            f"{100 * found.one / story.duration:.3f}%" if story.duration else "-",
            *map(clock_text, (found.none, found.longest_none, found.two, found.longest_two)),
            str(service.takeovers),
        )
    console.print(table)
    console.print()
    sentences = list(verdict(story))
    for sentence in sentences[:most]:
        console.print(f"WRONG: {sentence}", style="bold red")
    if sentences[:most] != sentences:
        console.print(f"... and {len(sentences) - len(sentences[:most])} more like it", style="bold red")
    if not story.violations:
        console.print("Never two masters, and never none, outside of the protocol's own window.", style="bold green")


def _shortened(every: list[Row], most: int | None) -> list[Row | None]:
    if most is None or len(every) <= most:
        return list(every)
    return [*every[: most // 2], None, *every[-most // 2 :]]


def _what_if(wishes: Wishes, cast: _Cast, topology: Topology) -> int:
    outcomes = what_if(cast.configs, wishes.fail or "", topology)
    if wishes.json_output:
        sys.stdout.write(json.dumps([asdict(outcome) for outcome in outcomes]) + "\n")
    else:
        _print_outcomes(outcomes)
    return 0 if all(Outcome.master(outcome.after) for outcome in outcomes) else VIOLATED


def _print_outcomes(outcomes: Sequence[Outcome]) -> None:
    console = _console()
    table = _table("IF THIS FAILS", "VIRTUAL ROUTER", "MASTER", "THEN", "PRIORITIES THEN")
    for outcome in outcomes:
        before, after = Outcome.master(outcome.before), Outcome.master(outcome.after)
        then = after or "nobody"
        style = "red" if after is None else "green" if after != before or before != outcome.on else "yellow"
        priorities = "; ".join(map(_standing, outcome.after))
        same = "still " if after == before and after is not None else ""
        table.add_row(outcome.failed, outcome.router, before or "nobody", same + then, priorities, style=style)
    console.print(table)
    for note in dict.fromkeys(note for outcome in outcomes for note in _notes(outcome)):
        console.print(note)


def _standing(standing: Standing) -> str:
    if standing.faults:
        return f"{standing.director} FAULT"
    parts = [f"{value:+d}" for _, value in standing.priority_sum[1:]]
    base = standing.priority_sum[0][1] if standing.priority_sum else standing.priority
    sum_text = f" ({base}{''.join(parts)})" if parts else ""
    return f"{standing.director} {standing.priority}{sum_text}"


def _notes(outcome: Outcome) -> list[str]:
    """Where the failure of the master's own changes nothing: why."""
    before, after = Outcome.master(outcome.before), Outcome.master(outcome.after)
    if before != after or after != outcome.on:
        return []
    standing = next(s for s in outcome.after if s.director == after)
    others = [s for s in outcome.after if s.director != after and not s.faults]
    best = max(others, key=lambda s: s.priority, default=None)
    if best is None:
        why = "nobody else could be"
    elif standing.priority > best.priority:
        why = f"{standing.priority} is still more than the {best.priority} of {best.director}"
    elif standing.priority == best.priority:
        why = "for who has the same priority does not take over"
    else:
        why = f"although {best.director} has {best.priority}: it has nopreempt, or waits"
    return [f"{outcome.failed}: {after} stays master, {why}"]
