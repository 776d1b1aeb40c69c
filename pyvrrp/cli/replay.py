"""`pyvrrp replay`: a recording, played through the same machine (docs/record.md)."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Final

from pyvrrp import __version__
from pyvrrp.record.reading import Header, Recording, RecordingError
from pyvrrp.record.replay import Decision, replay
from pyvrrp.units import SECOND

DIFFERENT: Final = 1
UNREADABLE: Final = 2


def run(path: str, *, instance: str | None, everything: bool, verify: bool, json_output: bool) -> int:
    """Play it and tell; the exit status."""
    try:
        with open(path, "rb") if path != "-" else sys.stdin.buffer as file:
            recording = Recording(file)
            header = recording.header
            if header.release != __version__:
                _complain(f"it was made by pyvrrp {header.release}, this is {__version__}: decisions may differ")
            if not json_output:
                print(_introduction(header))  # noqa: T201
            different = total = 0
            for decision in replay(recording):
                total += 1
                different += decision.difference is not None
                if _is_wanted(decision, instance, everything=everything, verify=verify):
                    _tell(decision, json_output=json_output)
            return _conclude(recording, total, different, verify=verify, json_output=json_output)
    except OSError as error:
        _complain(f"{path}: {error.strerror}")
    except RecordingError as error:
        _complain(f"{path}: {error}")
    except BrokenPipeError:
        return 0
    return UNREADABLE


def _is_wanted(decision: Decision, instance: str | None, *, everything: bool, verify: bool) -> bool:
    if verify:
        return decision.difference is not None
    if instance is not None and instance not in decision.instances:
        return False
    return everything or decision.matters or any(text.startswith("refused") for _, text in decision.meant)


def _introduction(header: Header) -> str:
    began = datetime.fromtimestamp(header.began_epoch / SECOND, UTC)
    return f"{header.role} worker of pyvrrp {header.release}, recorded from {began:%Y-%m-%d %H:%M:%S.%f} UTC"


def _tell(decision: Decision, *, json_output: bool) -> None:
    if json_output:
        print(json.dumps({**asdict(decision), "instances": sorted(decision.instances)}))  # noqa: T201
        return
    for line in _lines(decision):
        print(line)  # noqa: T201


def _lines(decision: Decision) -> Iterator[str]:
    yield f"{decision.at / SECOND:13.6f}  {decision.event}"
    for name, text in decision.meant:
        yield f"{'':15}{name}: {text}"
    for action in decision.actions:
        yield f"{'':15}-> {action}"
    if decision.difference is not None:
        yield f"{'':15}!! {decision.difference}"


def _conclude(recording: Recording, total: int, different: int, *, verify: bool, json_output: bool) -> int:
    end = recording.end or "it broke off"
    if json_output:
        print(json.dumps({"end": end, "events": total, "different": different}))  # noqa: T201
    else:
        same = "all as they were recorded" if not different else f"{different} not as they were recorded"
        print(f"{total} events, {same}; the recording ended: {end}")  # noqa: T201
    return DIFFERENT if verify and different else 0


def _complain(text: str) -> None:
    print(f"pyvrrp replay: {text}", file=sys.stderr)  # noqa: T201
