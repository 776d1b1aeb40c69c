"""The daemons under test: ours and keepalived, started with the same flags.

keepalived is Debian's; PYVRRP_KEEPALIVED names another one, whose version decides what it is asked.
"""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, Self

from tests.topology.net import Host

OURS = "pyvrrpd"
KEEPALIVED = "keepalived"

BIN = Path(sys.executable).parent
PROGRAMS = {OURS: str(BIN / OURS), KEEPALIVED: os.environ.get("PYVRRP_KEEPALIVED", KEEPALIVED)}
"""What is run under each name."""


@functools.cache
def keepalived_version() -> tuple[int, ...]:
    """(2, 2, 7); empty where there is none."""
    try:
        said = subprocess.run([PROGRAMS[KEEPALIVED], "--version"], capture_output=True, text=True, check=False).stderr
    except FileNotFoundError:
        return ()
    found = re.search(r"v(\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else ()


def show(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`pyvrrp show` with these arguments."""
    return subprocess.run(
        [str(BIN / "pyvrrp"), "show", *arguments], capture_output=True, text=True, check=False, timeout=20
    )


class Daemon:
    """One daemon on one host; its files are in `directory`."""

    def __init__(self, program: str, host: Host, directory: Path, conf: str) -> None:
        """Start it. It logs to a file, and to nobody else: a blocked log would spoil the times."""
        self.program = program
        self.host = host
        self.conf = directory / f"{host.name}.conf"
        self._log = directory / f"{host.name}.log"
        self._pid_file = directory / f"{host.name}.pid"
        self.conf.write_text(conf)
        pid_files = {"-p": "pid", "-r": "vrrp.pid", "-c": "checkers.pid"}
        arguments = ["-n", "-l", "-D", "-G", "-f", str(self.conf)]
        for flag, suffix in pid_files.items():
            arguments += [flag, str(directory / f"{host.name}.{suffix}")]
        with self._log.open("a") as log:
            self.process = self._start(host.command(PROGRAMS[program], *arguments), log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing of it is left, whatever a test has done."""
        if self.process.poll() is None:
            self.kill()

    @staticmethod
    def _start(command: list[str], log: IO[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    @property
    def pid(self) -> int:
        """The supervisor's: `ip netns exec` becomes it."""
        return self.process.pid

    def log(self) -> str:
        """Of this daemon and its predecessors on the host."""
        return self._log.read_text(errors="replace")

    def reload(self, conf: str | None = None) -> None:
        if conf is not None:
            self.conf.write_text(conf)
        self.process.send_signal(signal.SIGHUP)

    def stop(self, within: float = 10) -> int:
        """SIGTERM; its exit status."""
        self.process.terminate()
        return self.process.wait(within)

    def kill(self) -> None:
        """SIGKILL to all its processes at once: it has no last word."""
        self.host.kill_all()
        self.process.wait()

    def show(self) -> dict[str, Any]:
        """The picture, as `pyvrrp show --json` gives it. Ours only."""
        said = show("--json", "--socket", f"/run/pyvrrp/{self.pid}.sock")
        if said.returncode:
            raise AssertionError(f"pyvrrp show: status {said.returncode}: {said.stderr or said.stdout}")
        picture: dict[str, Any] = json.loads(said.stdout)
        return picture

    def instance(self, name: str) -> dict[str, Any]:
        """One VRRP instance of the picture."""
        instances: list[dict[str, Any]] = self.show()["vrrp"]["instances"]
        return next(instance for instance in instances if instance["name"] == name)

    def account(self) -> str:
        """For people: its log, and what it says of itself."""
        text = f"--- {self.host.name}: {self.program}, its log ---\n{self.log()}"
        if self.program == OURS and self.process.poll() is None:
            said = show("--socket", f"/run/pyvrrp/{self.pid}.sock")
            text += f"--- {self.host.name}: pyvrrp show ---\n{said.stdout}{said.stderr}"
        return text
