"""Commands for the hosts of a lab in the guest kernel: files in a directory that both kernels see.

Neither sockets nor FIFOs cross from one kernel to the other. The asker writes NUMBER.ask, the guest answers with
NUMBER.answer; each appears by rename, whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import topology

DIRECTORY = Path("/run/pyvrrp-lab-guest")
"""There while a lab is kept up in the guest."""
PATIENCE = 60.0
LOOK = 0.1


def command(host: str, argv: list[str]) -> list[str]:
    """The command line that runs `argv` on a host of the lab; the project's own commands are found by name."""
    own = Path(sys.executable).with_name(argv[0])
    return ["ip", "netns", "exec", topology.namespace(host), str(own) if own.exists() else argv[0], *argv[1:]]


def _put(path: Path, value: object) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value))
    new.rename(path)


def ask(host: str, argv: list[str]) -> int:
    """Have the guest run a command; prints what it printed, answers its exit status."""
    name = f"{os.getpid()}-{time.time_ns()}"
    answer = DIRECTORY / f"{name}.answer"
    _put(DIRECTORY / f"{name}.ask", {"host": host, "argv": argv})
    deadline = time.monotonic() + PATIENCE
    while not answer.exists():
        if time.monotonic() > deadline:
            print("The lab in the guest does not answer.", file=sys.stderr)
            return 1
        time.sleep(LOOK)
    said = json.loads(answer.read_text())
    answer.unlink()
    sys.stdout.write(said["stdout"])
    sys.stderr.write(said["stderr"])
    return int(said["status"])


async def serve(directory: Path) -> None:
    """The guest's side, until cancelled."""
    while True:
        await asyncio.to_thread(_answer_all, directory)
        await asyncio.sleep(LOOK)


def _answer_all(directory: Path) -> None:
    for question in sorted(directory.glob("*.ask")):
        asked = json.loads(question.read_text())
        question.unlink()
        _put(question.with_suffix(".answer"), _run(command(asked["host"], asked["argv"])))


def _run(argv: list[str]) -> dict[str, object]:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE - 5)
    except subprocess.TimeoutExpired as expired:
        late = expired.stdout or b""
        return {"status": 124, "stdout": late.decode(), "stderr": "It took too long and was ended.\n"}
    return {"status": done.returncode, "stdout": done.stdout, "stderr": done.stderr}
