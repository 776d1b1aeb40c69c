"""``pyvrrp show``: the state of a running daemon, once or live, as text or JSON.

Exit status:

====== =====================================================================================
0      all is told (also when a watch ends with Ctrl-C)
1      the daemon knows nothing of the name asked for
2      wrong command line, or several daemons run and it does not say which one is meant
3      no daemon runs
4      the daemon's socket is not for this user
5      the daemon does not answer, or is of another release
====== =====================================================================================

On a terminal it has colours and the terminal's width; into a pipe or a file it goes as plain text that nothing wraps.
``--json`` is the `Picture`, its keys the names of the fields in `pyvrrp.observe.picture`; with a name, the same
picture with nothing in it but what has that name. Durations and instants are microseconds; instants are
CLOCK_MONOTONIC, and ``taken_epoch - taken`` makes them UTC.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

from pyvrrp.observe.codec import to_json
from pyvrrp.observe.control import (
    GROUP,
    SOCKET_DIRECTORY,
    ControlError,
    NoDaemonError,
    NotAllowedError,
    RefusedError,
    SilentError,
    VersionError,
    ask,
)
from pyvrrp.observe.layout import Line, Piece, Style, flow, plain, printable, words
from pyvrrp.observe.lookup import UnknownNameError, part_of
from pyvrrp.observe.numbers import Rates
from pyvrrp.observe.selection import AmbiguousError, Found, find
from pyvrrp.observe.views import view

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pyvrrp.observe.picture import DaemonSnapshot, Picture

Frame: TypeAlias = Callable[[int | None], list[Line]]
"""What to draw, for a width."""

UNKNOWN_NAME: Final = 1
STATUS: Final[dict[type[ControlError], int]] = {
    AmbiguousError: 2,
    NoDaemonError: 3,
    NotAllowedError: 4,
    SilentError: 5,
    RefusedError: 5,
    VersionError: 5,
}
ADVICE: Final[dict[type[ControlError], str]] = {
    NoDaemonError: "Start one: pyvrrpd -f FILE, or systemctl start pyvrrp",
    NotAllowedError: f"Only root and the group {GROUP} may ask: run it with sudo",
}


def show(
    name: str | None = None,
    *,
    json_output: bool = False,
    watch: float | None = None,
    socket: str | None = None,
    netns: str | None = None,
    directory: str = SOCKET_DIRECTORY,
) -> int:
    """Print the picture, or that of `name`, every `watch` seconds if given. Returns the exit status."""
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]

    def look(like: DaemonSnapshot | None = None) -> Found:
        return find(path=socket, netns=netns, like=like, directory=directory)

    try:
        found = look()
        part_of(found.picture, name)  # a name that does not exist now is a mistake; in a watch, it may go later
        if watch is None:
            _once(found.picture, name, json_output=json_output)
        else:
            _watch(pictures(found, look, watch), name, json_output=json_output)
    except ControlError as error:
        return failed(str(error), STATUS[type(error)], ADVICE.get(type(error)))
    except UnknownNameError as error:
        return failed(str(error), UNKNOWN_NAME)
    except KeyboardInterrupt:
        return 0
    except BrokenPipeError:
        # Whoever read us has seen enough; keep the interpreter from flushing into the void at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def failed(message: str, status: int, advice: str | None = None) -> int:
    """Say why on stderr; returns the status."""
    print(f"pyvrrp: {message}", file=sys.stderr)  # noqa: T201
    if advice:
        print(advice, file=sys.stderr)  # noqa: T201
    return status


def _document(picture: Picture, name: str | None, indent: int | None) -> str:
    """The picture as JSON; the half of it that was not asked for is null."""
    return json.dumps(to_json(part_of(picture, name)[1]), indent=indent, ensure_ascii=False) + "\n"


def _once(picture: Picture, name: str | None, *, json_output: bool) -> None:
    if json_output:
        _write(_document(picture, name, indent=2))
    elif sys.stdout.isatty():
        console = _console()
        console.print(_text(view(picture, name, width=console.width)), soft_wrap=True, end="")
    else:
        _write(plain(view(picture, name)))


def pictures(found: Found, look: Callable[[DaemonSnapshot], Found], every: float) -> Iterator[Picture | ControlError]:
    """A picture now and one every so many seconds, for ever; the error where there is none to be had."""
    due = time.monotonic()
    yield found.picture
    while True:
        due = max(due + every, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            try:
                found = Found(found.path, ask(found.path))
            except NoDaemonError:  # restarted, then it listens elsewhere
                found = look(found.picture.daemon)
        except ControlError as error:
            yield error
        else:
            yield found.picture


def _watch(seen: Iterator[Picture | ControlError], name: str | None, *, json_output: bool) -> None:
    if json_output:
        _watch_json(seen, name)
    elif sys.stdout.isatty():
        _watch_terminal(_frames(seen, name))
    else:
        for i, frame in enumerate(_frames(seen, name)):
            _write(("\n" if i else "") + plain(frame(None)))


def _watch_json(seen: Iterator[Picture | ControlError], name: str | None) -> None:
    """A line a picture; why there is none goes to stderr, once."""
    complaint = ""
    for picture in seen:
        try:
            if isinstance(picture, ControlError):
                raise picture
            _write(_document(picture, name, indent=None))
            complaint = ""
        except (ControlError, UnknownNameError) as error:
            if str(error) != complaint:
                complaint = str(error)
                print(f"pyvrrp: {complaint}", file=sys.stderr)  # noqa: T201


def _frames(seen: Iterator[Picture | ControlError], name: str | None) -> Iterator[Frame]:
    earlier: Picture | None = None
    for picture in seen:
        if isinstance(picture, ControlError):
            yield partial(_waiting, str(picture))
        else:
            yield partial(_drawn, picture, name, Rates(earlier, picture))
            earlier = picture


def _drawn(picture: Picture, name: str | None, rates: Rates, width: int | None) -> list[Line]:
    try:
        return view(picture, name, width=width, rates=rates)
    except UnknownNameError as error:  # it was there when the watch began
        return flow(words(str(error), Style.WARN), width, 0)


def _waiting(reason: str, width: int | None) -> list[Line]:
    """Nothing of the last picture: a daemon that is gone must not look like a master."""
    return [*flow(words("waiting for the daemon...", Style.WARN), width, 0), *flow(words(reason), width, 2)]


def _watch_terminal(frames: Iterator[Frame]) -> None:
    """Redraw the terminal's second screen until interrupted; the first one comes back untouched."""
    from rich.live import Live

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    console = _console()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        for frame in frames:
            lines = frame(console.width)
            if len(lines) > console.height:
                hidden = len(lines) - console.height + 1
                lines[console.height - 1 :] = [[Piece(f"... {hidden} more lines", Style.FAINT)]]
            live.update(_text(lines), refresh=True)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def _text(lines: Iterable[Line]) -> Text:
    from rich.text import Text

    text = Text(no_wrap=True, overflow="crop", end="")
    for line in lines:
        for piece in line:
            text.append(printable(piece.text), piece.style.value)
        text.append("\n")
    return text


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
