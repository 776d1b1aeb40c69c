"""What the lab shows: a live picture on a terminal, plain lines anywhere else. Both read the stage's events."""

from __future__ import annotations

import re
import sys
from collections import deque
from typing import Any, Protocol, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

RATE = 20
BIN = 0.5
"""Seconds of one column of the sparkline."""
BARS = " ▁▂▃▄▅▆▇█"
STATE_STYLES = {"MASTER": "bold green", "BACKUP": "cyan", "FAULT": "bold red"}

Event = dict[str, Any]

_STAMP = re.compile(r"^\w{3} \w{3} +\d+ [\d:]+ \d{4}: ")
_TELLING = re.compile(
    r"Entering \w+ STATE|(Removing|Adding) service|failed|timeout|priority 0|sent 0|quorum|error|refused|cannot",
    re.IGNORECASE,
)


def telling(line: str) -> str | None:
    """The daemon's log line without its time, if it tells of something that happened; else None."""
    return _STAMP.sub("", line) if _TELLING.search(line) else None


class View(Protocol):
    def show(self, event: Event) -> None: ...
    def close(self) -> None: ...


class PlainView:
    """A line an event, for files, pipes and CI."""

    def __init__(self, output: TextIO) -> None:
        self.output = output
        self.holders: list[str] | None = None

    def show(self, event: Event) -> None:
        match event["event"]:
            case "act":
                self.line(event, f"▶ {event['title']}")
            case "done":
                self.line(event, f"{mark(event['ok'])} {event['text']}")
            case "log" if text := telling(event["line"]):
                self.line(event, f"    {event['host']}: {text}")
            case "state":
                holders = [host for host, director in event["directors"].items() if director["vip"]]
                if holders != self.holders:
                    self.line(event, f"    the VIP is on {' and '.join(holders) or 'nobody'}")
                    self.holders = holders

            case "hint":
                for line in event["lines"]:
                    self.line(event, line)

    def line(self, event: Event, text: str) -> None:
        print(f"{event['at']:6.1f}  {text}", file=self.output, flush=True)

    def close(self) -> None:
        pass


class LiveView:
    """The whole lab on one screen; 80 by 24 is enough."""

    def __init__(self, console: Console, title: str) -> None:
        self.title = title
        self.story: deque[Text] = deque(maxlen=200)
        self.current: Text | None = None
        self.state: Event = {"at": 0.0, "directors": {}, "client": {"sent": 0, "answered": 0, "lost": 0, "by": {}}}
        self.bins: dict[int, list[int]] = {}
        """Answers and losses by half second since the client began."""
        self.screen = console.height >= 20
        self.live = Live(console=console, screen=self.screen, auto_refresh=False, transient=not self.screen)
        self.console = console
        self.live.start()
        self.draw()

    def close(self) -> None:
        self.live.stop()

    def show(self, event: Event) -> None:
        match event["event"]:
            case "act":
                self.current = Text.assemble(("▶ ", "yellow"), (event["title"], "bold yellow"))
            case "done":
                self.current = None
                self.story.append(Text.assemble(result_mark(event["ok"]), " ", event["text"]))
            case "log" if text := telling(event["line"]):
                self.story.append(Text(f"    {event['host']}: {text}", style="dim"))
            case "state":
                self.count(event)
                self.state = event
            case "hint":
                self.story.extend(Text(line, style="bold") for line in event["lines"])
            case "interrupted":
                self.story.append(Text("interrupted: taking everything down …", style="bold yellow"))
            case _:
                return
        self.draw()

    def count(self, event: Event) -> None:
        before, now = self.state["client"], event["client"]
        if not now["sent"]:
            return
        bin_ = self.bins.setdefault(int(event["at"] / BIN), [0, 0])
        bin_[0] += now["answered"] - before["answered"]
        bin_[1] += now["lost"] - before["lost"]

    # ---- drawing

    def draw(self) -> None:
        directors = Table.grid(expand=True)
        panels = [director_panel(host, said) for host, said in self.state["directors"].items()]
        for _ in panels:
            directors.add_column(ratio=1)
        directors.add_row(*panels)
        head = Text(f" {self.title}", style="bold", no_wrap=True, overflow="ellipsis")
        head.append(f"   {self.state['at']:.0f} s", style="dim")
        room = max(3, self.console.height - 1 - (7 if panels else 0) - 4 - 2)
        lines = [*self.story, *([self.current] if self.current else [])][-room:]
        lines += [Text("")] * (room - len(lines) if self.screen else 0)
        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"
        story = Panel(Group(*lines), title="what happens", title_align="left", border_style="dim")
        self.live.update(Group(head, directors, self.client_panel(), story), refresh=True)

    def client_panel(self) -> Panel:
        client = self.state["client"]
        width = self.console.width - 4
        answers = ", ".join(f"{name} {count}" for name, count in sorted(client["by"].items()))
        now = int(self.state["at"] / BIN)
        recent = [self.bins.get(n, [0, 0])[0] for n in (now - 2, now - 1)]
        text = f"{sum(recent) / (2 * BIN):.0f} answers/s   sent {client['sent']}"
        text += f"   answered {client['answered']} ({answers or 'nobody yet'})   lost {client['lost']}"
        line = Text(text, no_wrap=True, overflow="ellipsis")
        return Panel(
            Group(self.sparkline(width, now), line),
            title="client: new connections to 192.0.2.10:15000",
            title_align="left",
            border_style="dim",
        )

    def sparkline(self, width: int, now: int) -> Text:
        """Answers per half second; the last column is whole. A gap is red."""
        text = Text(no_wrap=True)
        if not self.bins:
            return text
        full = RATE * BIN
        for n in range(max(min(self.bins), now - width), now):
            answered, lost = self.bins.get(n, (0, 0))
            level = min(1.0, answered / full)
            bad = level < 0.6
            text.append(BARS[max(1, round(level * 8))], style="red" if bad else "yellow" if lost else "green")
        return text


def director_panel(host: str, said: Event) -> Panel:
    state = said["state"] or ("?" if said["running"] else "not running")
    if not said["powered"]:
        state = "no power"
    lines = [Text.assemble((state, STATE_STYLES.get(state, "bold red")), (about(said), "dim"))]
    if said["vip"]:
        stray = state != "MASTER"
        where = "VIP and gateway" if said["gateway"] else "VIP"
        lines.append(Text(f"{where} left behind" if stray else f"● {where} here", style="yellow" if stray else "green"))
    else:
        lines.append(Text("○ no VIP", style="dim"))
    for name, server in said["pool"].items():
        lines.append(server_line(name, server))
    adverts = "" if said["sent"] is None else f"adverts sent {said['sent']}, received {said['received']}"
    lines.append(Text(adverts, style="dim"))
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Panel(
        Group(*lines), title=host, title_align="left", border_style="green" if state == "MASTER" else "dim", height=7
    )


def about(said: Event) -> str:
    parts = []
    if said["since"] is not None and said["running"]:
        parts.append(f"for {said['since']:.0f} s")
    if said["priority"] is not None and said["running"]:
        parts.append(f"priority {said['priority']}")
    return "  " + ", ".join(parts)


def server_line(name: str, server: Event) -> Text:
    """One real server in the director's IPVS table."""
    if server["weight"] is None:
        return Text(f"{name} not in the pool", style="red")
    connections = f"conns {server['active']} + {server['inactive']}"
    dead = server["alive"] is False
    return Text(f"{name} weight {server['weight']}  {connections}", style="yellow" if dead else "")


def mark(ok: bool) -> str:
    return "✔" if ok else "✘"


def result_mark(ok: bool) -> Text:
    return Text(mark(ok), style="bold green" if ok else "bold red")


# ---- the report at the end


def report(console: Console, acts: list[Event], client: Event, total: int) -> None:
    table = Table(title="What was measured", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("act", "", "took", "expected", "client waited", "lost"):
        table.add_column(column, justify="left" if column in ("act", "") else "right", no_wrap=column != "act")
    for act in acts:
        table.add_row(
            act["title"],
            result_mark(act["ok"]),
            *(cell(act[key]) for key in ("took", "expected", "gap", "lost")),
        )
    console.print(table)
    answers = ", ".join(f"{name} {count}" for name, count in sorted(client["by"].items()))
    console.print(
        f"The client made {client['answered'] + client['lost']} connections: {client['answered']} answered"
        f" ({answers}), {client['lost']} lost."
    )
    for act in acts:
        if not act["ok"]:
            console.print(Text.assemble(result_mark(ok=False), f" {act['title']}: {act['text']}"), soft_wrap=True)
    if len(acts) < total:
        console.print(f"{total - len(acts)} of {total} acts were not played.")
    elif all(act["ok"] for act in acts):
        console.print(f"[bold green]All {total} acts held.[/]")


def cell(value: Any) -> RenderableType:
    match value:
        case None:
            return ""
        case [low, high]:
            return f"{low:.2f} s" if low == high else f"{low:.2f}–{high:.2f} s"
        case float():
            return f"{value:.2f} s"
    return str(value)


def choose(title: str, *, json: bool) -> View:
    """The live view on a terminal, lines elsewhere; on stderr where stdout is for the JSON report."""
    output = sys.stderr if json else sys.stdout
    console = Console(file=output)
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveView(console, title)
    return PlainView(output)
