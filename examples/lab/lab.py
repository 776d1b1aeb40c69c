"""The failover lab: two directors, two real servers and a client on this machine, and a story played with them.

sudo examples/lab/run            play it and show it
sudo examples/lab/run --keep     the same, and leave it up to play with
sudo examples/lab/run --clean    remove a lab that was left up
sudo examples/lab/run --exec director1 pyvrrp show     run something on one of its hosts
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import exchange
import topology
import view
from rich.console import Console

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
UML = REPOSITORY / "tests" / "uml" / "run"
LIMIT = 300
"""Seconds a lab in the guest may take; a kept one ends with Ctrl-C."""
A_DAY = 86400
REFUSED = 2
KERNELS = {"host": "this kernel", "uml": "Debian's user-mode-linux", "vagrant": "virtual machines"}
STAYS = "The lab stays up in its own kernel until Ctrl-C. From another terminal:"
HINTS = (
    "  sudo examples/lab/run --exec director1 pyvrrp show",
    "  sudo examples/lab/run --exec director1 ip -br address",
    "  sudo examples/lab/run --exec client bash -c 'cat </dev/tcp/192.0.2.10/15000'",
)
CLEAN = "To remove it:  sudo examples/lab/run --clean"

Event = dict[str, Any]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="examples/lab/run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", action="store_true", help="leave the lab up at the end")
    parser.add_argument("--clean", action="store_true", help="remove a lab that was left up")
    parser.add_argument("--exec", nargs=argparse.REMAINDER, metavar="HOST COMMAND", help="run a command on a host")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--host", dest="where", action="store_const", const="host", help="in this kernel, or not at all")
    where.add_argument(
        "--vagrant", dest="where", action="store_const", const="vagrant", help="on the machines of vagrant/"
    )
    where.add_argument("--uml", dest="where", action="store_const", const="uml", help="in Debian's user-mode-linux")
    parser.add_argument("--daemon", metavar="CMD", help="another daemon to compare with: --daemon keepalived")
    parser.add_argument("--fast", action="store_true", help="delay_loop 2 in place of 6, and retries after 1 s")
    parser.add_argument("--json", action="store_true", help="the report as JSON on stdout, the story on stderr")
    parser.add_argument("--where", dest="tell", action="store_true", help="say where it would run: host or uml")
    return parser.parse_args()


def choose_kernel() -> str:
    """host, where the kernel we run on has all the lab needs; else uml."""
    if os.geteuid() == 0:
        topology.load_modules()
        if topology.has_ipvs():
            return "host"
    return "uml"


def stage_command(options: argparse.Namespace, where: str, shared: Path) -> list[str]:
    """The process that plays, here or in the guest. `shared`: a directory that both kernels see."""
    if where == "vagrant":
        return [sys.executable, str(HERE / "vagrant_play.py")]
    command = [sys.executable, str(HERE / "play.py")]
    if options.daemon:
        command += ["--daemon", options.daemon]
    if options.fast:
        command += ["--fast"]
    if where == "host":
        return [*command, *(["--keep"] if options.keep else [])]
    if options.keep:
        command += ["--stay", str(shared)]
    limit = A_DAY if options.keep else LIMIT
    # The guest has a /tmp and a /run of its own.
    hidden = [place for place in (REPOSITORY, Path(sys.prefix)) if place.parts[1] in ("tmp", "run")]
    directories = [shared, *hidden]
    writable = [word for directory in directories for word in ("--rw", str(directory))]
    return [str(UML), "--timeout", str(limit), *writable, "--", *command]


@contextlib.contextmanager
def shared_directory(*, keep: bool) -> Iterator[Path]:
    """Where a kept lab in the guest can be asked (`--exec`); else a place of no meaning."""
    if not keep:
        with tempfile.TemporaryDirectory(prefix="pyvrrp-lab.") as name:
            yield Path(name)
        return
    try:
        exchange.DIRECTORY.mkdir(mode=0o700)
    except FileExistsError:
        raise topology.LabError(
            f"a lab is kept up in a guest already ({exchange.DIRECTORY}); if not so: sudo examples/lab/run --clean"
        ) from None
    (exchange.DIRECTORY / "owner").write_text(str(os.getpid()))
    try:
        yield exchange.DIRECTORY
    finally:
        shutil.rmtree(exchange.DIRECTORY, ignore_errors=True)


class Performance:
    """One run of the stage: shows its events and remembers what the report needs."""

    def __init__(self, options: argparse.Namespace, where: str) -> None:
        self.options = options
        self.where = where
        self.daemon = shlex.split(options.daemon)[0] if options.daemon else "pyvrrpd"
        self.start: Event = {}
        self.acts: list[Event] = []
        self.client: Event | None = None
        self.left: list[str] | None = None
        """What the stage could not take down; None while it has not said."""
        self.kept = False
        self.refused: str | None = None
        self.logs: dict[str, list[str]] = {host: [] for host in topology.DIRECTORS}
        self.interrupts = 0

    def note(self, event: Event) -> None:
        match event["event"]:
            case "start":
                self.start = event
            case "done":
                self.acts.append({key: value for key, value in event.items() if key not in ("event", "at")})
            case "log":
                self.logs.setdefault(event["host"], []).append(event["line"])
            case "report":
                self.client = {key: event[key] for key in ("answered", "lost", "by")}
            case "kept":
                self.kept = True
            case "clean":
                self.left = event["left"]
            case "refused":
                self.refused = event["text"]

    def run(self, shared: Path) -> str:
        """Play to the end, or to Ctrl-C; answers what went to stderr."""
        kernel = KERNELS[self.where]
        with tempfile.TemporaryFile("w+") as errors:
            # In a session of its own: Ctrl-C is for us, and we tell it.
            stage = subprocess.Popen(
                stage_command(self.options, self.where, shared),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                start_new_session=True,
                cwd=REPOSITORY,
            )
            shown = view.choose(f"pyvrrp lab: two {self.daemon} in {kernel}", json=self.options.json)
            try:
                while not self.follow(stage, shown):
                    pass
            finally:
                shown.close()
                if stage.poll() is None:
                    stage.terminate()
                    stage.wait(30)
            errors.seek(0)
            return errors.read()

    def follow(self, stage: subprocess.Popen[str], shown: view.View) -> bool:
        """Pass events on until the stage has ended (True) or Ctrl-C: that asks it to end, the third one makes it."""
        try:
            assert stage.stdout is not None
            for line in stage.stdout:
                try:
                    event = json.loads(line)
                except ValueError:  # cut in two by Ctrl-C
                    continue
                self.note(event)
                shown.show(event)
                if event["event"] == "kept" and self.where == "uml":
                    shown.show({"event": "hint", "at": event["at"], "lines": [STAYS, *HINTS]})
            stage.wait()
            return True
        except KeyboardInterrupt:
            self.interrupts += 1
            stage.send_signal(signal.SIGKILL if self.interrupts > 2 else signal.SIGTERM)
            return False

    def clean(self) -> None:
        """Whatever happened to the stage, nothing stays behind (unless it should)."""
        if self.where == "host" and not self.kept and self.refused is None and topology.exists():
            self.left = topology.demolish()
        if self.where != "host":
            self.left = []  # all of it was the guest's, or stays as it is

    @property
    def held(self) -> bool:
        return bool(self.acts) and len(self.acts) == self.start["acts"] and all(act["ok"] for act in self.acts)

    def report(self) -> None:
        if self.options.json:
            facts = {
                "ok": self.held and not self.left,
                "kernel": self.where,
                "daemon": self.daemon,
                "bonded": self.start.get("bonded"),
                "fast": self.options.fast,
                "acts": self.acts,
                "client": self.client,
                "left": self.left or [],
            }
            print(json.dumps(facts, indent=2))
        elif self.client is not None:
            view.report(Console(width=None if sys.stdout.isatty() else 110), self.acts, self.client, self.start["acts"])
        if self.client is not None and not self.held:
            for host, lines in self.logs.items():
                if lines:
                    print(f"The end of {host}'s log:", *lines[-15:], sep="\n    ", file=sys.stderr)


def play(options: argparse.Namespace) -> int:
    where = options.where or choose_kernel()
    if where == "host":
        if os.geteuid() != 0:
            raise topology.LabError("only root may build it in this kernel: sudo examples/lab/run")
        topology.load_modules()
        if not topology.has_ipvs():
            raise topology.LabError(
                "this kernel has no IPVS (modprobe ip_vs fails); without --host a guest kernel is used"
            )
    elif where == "vagrant":
        if shutil.which("vagrant") is None:
            raise topology.LabError("vagrant is not installed")
        state = subprocess.run(
            ["vagrant", "status", "--machine-readable"], cwd=REPOSITORY / "vagrant", capture_output=True, text=True
        ).stdout
        if down := [host for host in topology.HOSTS if f",{host},state,running" not in state]:
            raise topology.LabError(f"{', '.join(down)}: not running; cd vagrant && vagrant up")
    elif options.where is None:
        print("This kernel has no IPVS: the lab runs in Debian's user-mode-linux kernel.", file=sys.stderr)
    performance = Performance(options, where)
    with shared_directory(keep=options.keep and where == "uml") as shared:
        try:
            errors = performance.run(shared)
        finally:
            performance.clean()
    if performance.refused:
        raise topology.LabError(performance.refused)
    performance.report()
    if errors:
        print(errors.rstrip(), file=sys.stderr)
    if performance.left:
        print(f"Could not be removed: {', '.join(performance.left)}", file=sys.stderr)
    if performance.kept and where == "host":
        print("", "The lab is up.", *HINTS, CLEAN, sep="\n", file=sys.stderr)
    if performance.client is None:
        print("The lab ended before its story did.", file=sys.stderr)
        return 130 if performance.interrupts else 1
    return 0 if performance.held and not performance.left else 1


def execute(words: list[str]) -> int:
    """`--exec HOST COMMAND…`."""
    if len(words) < 2 or words[0] not in (*topology.HOSTS, topology.SWITCH):
        raise topology.LabError(f"--exec HOST COMMAND: HOST is one of {', '.join((*topology.HOSTS, topology.SWITCH))}")
    host, *argv = words
    if topology.namespace(host) in topology.exists():
        command = exchange.command(host, argv)
        os.execvp(command[0], command)
    if exchange.DIRECTORY.exists():
        return exchange.ask(host, argv)
    raise topology.LabError("no lab is up: sudo examples/lab/run --keep")


def wait_for_end(pid: int) -> None:
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}") and time.monotonic() < deadline:
        time.sleep(0.05)


def clean() -> int:
    left = topology.demolish()
    with contextlib.suppress(OSError, ValueError):  # a lab kept up in a guest belongs to the lab.py that shows it
        owner = int((exchange.DIRECTORY / "owner").read_text())
        if Path(__file__).name.encode() in Path(f"/proc/{owner}/cmdline").read_bytes():
            os.kill(owner, signal.SIGTERM)
            wait_for_end(owner)
    shutil.rmtree(exchange.DIRECTORY, ignore_errors=True)
    print(f"Could not be removed: {', '.join(left)}" if left else "No lab is left.")
    return 1 if left else 0


def interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    options = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        if options.tell:
            print(options.where or choose_kernel())
            return 0
        if options.exec is not None:
            return execute(options.exec)
        return clean() if options.clean else play(options)
    except topology.LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
