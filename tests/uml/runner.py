"""Run one command in Debian's user-mode-linux kernel and pass on its output and its exit status.

The guest is a kernel of its own (IPVS, bonding, all of netfilter's NAT) on this machine's files: it may write
anywhere, and what it writes is dropped at the end, except in the --rw directories (default: the current one). Its
/run, /tmp, /dev, /proc, /sys and its network (a lone lo) are its own. It has one CPU and boots in three seconds.

Exit status: the command's (128+N for signal N); 124 when --timeout was over; 125 when the guest could not be
started or ended before the command did, with the reason on stderr.

Plain Python, no package needed: it also runs before there is a virtual environment.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
KERNEL = "linux.uml"
GUEST_MODULES = Path("/usr/lib/uml/modules")

TIMED_OUT = 124
NO_GUEST = 125

# Loaded before the command; the rest (schedulers, vrf, vxlan ...) load when something asks for them.
MODULES = (
    "ip_vs",
    "ip_vs_rr",
    "ipv6",
    "veth",
    "bridge",
    "bonding max_bonds=0",
    "dummy numdummies=0",
    "macvlan",
    "nf_conntrack",
)

# The CPU's flag that makes its XSAVE area larger than this kernel's idea of one (xstate.c).
WIDE_XSTATE = "amx_tile"

# program: the Debian package that has it
PROGRAMS = {KERNEL: "user-mode-linux", "modprobe": "kmod", "ip": "iproute2", "setsid": "util-linux"}
COMPILER = {"gcc": "gcc libc6-dev"}

CONSOLE_KEPT = 65536


class NoGuestError(Exception):
    """The guest cannot be started; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the guest is to do."""

    command: Sequence[str]
    cwd: str
    writable: Sequence[str]
    environment: Mapping[str, str]
    memory: str
    timeout: float
    kernel_arguments: Sequence[str]
    pid_file: str | None = None


def require(programs: Mapping[str, str]) -> None:
    """Raise NoGuestError with the packages to install if a program is missing."""
    path = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
    missing = [name for name in programs if shutil.which(name, path=path) is None]
    if missing:
        packages = " ".join(dict.fromkeys(programs[name] for name in missing))
        raise NoGuestError(f"{', '.join(missing)} not found: sudo apt-get install -y {packages}")


def host_is_wide() -> bool:
    return re.search(rf"^flags\b.*\b{WIDE_XSTATE}\b", Path("/proc/cpuinfo").read_text(), re.MULTILINE) is not None


def build_shim(directory: Path) -> Path:
    """Compile xstate.c; a tenth of a second, so nothing is kept that could be stale."""
    require(COMPILER)
    shim = directory / "xstate.so"
    made = subprocess.run(
        ["gcc", "-O2", "-Wall", "-shared", "-fPIC", "-o", shim, HERE / "xstate.c"], capture_output=True, text=True
    )
    if made.returncode:
        raise NoGuestError(f"xstate.c, which this CPU needs, does not compile:\n{made.stderr}")
    return shim


def stay_on_one_cpu() -> socket.socket | None:
    """Bind this process, and so the guest, to a CPU that no other guest has; the lock goes with the process.

    A guest is one CPU's worth of work, and each of its system calls is a switch between two host processes: across
    CPUs that costs two to four times as much.
    """
    cpus = sorted(os.sched_getaffinity(0))
    for cpu in cpus:
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            lock.bind(f"\0pyvrrp-uml-cpu{cpu}")
        except OSError:
            lock.close()
            continue
        os.sched_setaffinity(0, {cpu})
        return lock
    os.sched_setaffinity(0, {cpus[os.getpid() % len(cpus)]})
    return None


def nul_joined(items: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(item) + b"\0" for item in items)


def write_job(directory: Path, job: Job) -> None:
    """The files that `init` reads, and `init` itself: the guest sees this directory in any case."""
    (directory / "command").write_bytes(nul_joined(job.command))
    (directory / "environment").write_bytes(nul_joined(f"{name}={value}" for name, value in job.environment.items()))
    (directory / "writable").write_bytes(nul_joined(job.writable))
    (directory / "cwd").write_text(job.cwd + "\n")
    (directory / "modules").write_text("".join(f"{line}\n" for line in MODULES))
    shutil.copy(HERE / "init", directory / "init")
    (directory / "init").chmod(0o755)


def say(text: str) -> None:
    sys.stderr.write(f"uml: {text}\n")


class Guest:
    """A running guest: three pipes and a process group."""

    def __init__(self, directory: Path, job: Job, shim: Path | None) -> None:
        self.directory = directory
        self.console = bytearray()
        # Pipes: UML cannot poll a plain file.
        (console, console_in), (out, out_in), (err, err_in) = (os.pipe() for _ in range(3))
        self._pipes: dict[int, int | None] = {console: None, out: 1, err: 2}
        arguments = [
            *(f"mem={job.memory}", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"),
            *(f"init={directory}/init", f"job={directory}"),
            *(f"umid={directory.name}", f"uml_dir={directory}"),
            *("con=null", f"con0=null,fd:{console_in}", f"con1=null,fd:{out_in}", f"con2=null,fd:{err_in}"),
            *("console=tty0", "quiet", "loglevel=4", "panic=-1", "noreboot"),
            *job.kernel_arguments,
        ]
        # The guest's memory is an unlinked file in TMPDIR, which must allow execution.
        memory_in = "/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir()
        environment = {**os.environ, "TMPDIR": memory_in}
        if shim is not None:
            environment["LD_PRELOAD"] = str(shim)
        self.process = subprocess.Popen(
            [KERNEL, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=console_in,
            stderr=console_in,
            pass_fds=(console_in, out_in, err_in),
            env=environment,
            start_new_session=True,
        )
        for end in (console_in, out_in, err_in):
            os.close(end)

    def stream(self, deadline: float) -> bool:
        """Copy the guest's output to ours until it ends; False: the deadline was first."""
        with selectors.DefaultSelector() as selector:
            for pipe in self._pipes:
                selector.register(pipe, selectors.EVENT_READ)
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                ready = selector.select(min(left, 0.5))
                for key, _ in ready:
                    if not self._copy(key.fd):
                        selector.unregister(key.fd)
                if not ready and self.process.poll() is not None:
                    break  # a stray process of the guest holds the pipes open
        return True

    def _copy(self, pipe: int) -> bool:
        data = os.read(pipe, 65536)
        sink = self._pipes[pipe]
        if sink is None:
            self.console = (self.console + data)[-CONSOLE_KEPT:]
        else:
            left = memoryview(data)
            while left:
                left = left[os.write(sink, left) :]
        return bool(data)

    def status(self) -> int:
        try:
            return int((self.directory / "status").read_text())
        except (OSError, ValueError):
            text = self.console.decode(errors="replace").strip()
            raise NoGuestError(f"the guest ended before the command did; its console:\n{text}") from None

    def kill(self) -> None:
        """End it: its own session holds the kernel and the host processes of its tasks, nothing else."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in self._pipes:
            os.close(pipe)


@contextlib.contextmanager
def job_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="pyvrrp-uml.", dir="/tmp"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def run(job: Job, *, verbose: bool = False) -> int:
    """Boot, run the command, power off; returns the exit status. NoGuestError if there is no answer."""
    require(PROGRAMS)
    if not any(GUEST_MODULES.glob("*/kernel")):
        raise NoGuestError(f"no kernel modules in {GUEST_MODULES}: sudo apt-get install -y user-mode-linux")
    started = time.monotonic()
    with job_directory() as directory:
        shim = build_shim(directory) if host_is_wide() else None
        write_job(directory, job)
        lock = stay_on_one_cpu()
        began = time.time()
        guest = Guest(directory, job, shim)
        if job.pid_file is not None:
            Path(job.pid_file).write_text(f"{guest.process.pid}\n")
        try:
            if not guest.stream(started + job.timeout):
                say(f"timed out after {job.timeout:g} s")
                return TIMED_OUT
            return guest.status()
        finally:
            guest.kill()
            if verbose:
                booted = directory / "booted"
                boot = f"{booted.stat().st_mtime - began:.1f}" if booted.exists() else "?"
                say(f"boot {boot} s, in all {time.monotonic() - started:.1f} s")
            if lock is not None:
                lock.close()


def guest_environment(settings: Iterable[str]) -> dict[str, str]:
    """Ours, without what is about this machine's directories, and with what the guest needs."""
    environment = {name: value for name, value in os.environ.items() if name not in {"TMPDIR", "LD_PRELOAD"}}
    environment.setdefault("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    environment.setdefault("HOME", "/root")
    environment |= {"TERM": "dumb", "UML": "1"}  # output is a pipe in the end, though the guest sees a terminal
    if platform.machine() == "x86_64":
        # Signal frames of this kernel have no room for AVX-512 (xstate.c); without AVX-512 this says nothing.
        environment["GLIBC_TUNABLES"] = "glibc.cpu.hwcaps=-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-AVX512CD"
    for setting in settings:
        name, _, value = setting.partition("=")
        environment[name] = value
    return environment


def parse(arguments: Sequence[str] | None) -> tuple[Job, bool]:
    parser = argparse.ArgumentParser(
        prog="run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--timeout", type=float, default=600, metavar="S", help="seconds, the boot included (600)")
    parser.add_argument("--rw", action="append", metavar="DIR", help="writable; 'none' for no directory at all")
    parser.add_argument("--env", action="append", default=[], metavar="N=V", help="set in the guest")
    parser.add_argument("--mem", default="1G", metavar="SIZE", help="the guest's memory (1G)")
    parser.add_argument("--karg", action="append", default=[], metavar="ARG", help="a further kernel argument")
    parser.add_argument("--pid-file", metavar="FILE", help="write the number of the guest's process group there")
    parser.add_argument("--verbose", action="store_true", help="say how long it took")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("no command")
    if malformed := [setting for setting in options.env if "=" not in setting]:
        parser.error(f"--env wants NAME=VALUE, not {malformed[0]}")
    cwd = os.path.realpath(".")
    writable = [] if options.rw == ["none"] else sorted({os.path.realpath(name) for name in options.rw or [cwd]})
    for name in writable:
        if name == "/" or "," in name or not os.path.isdir(name):  # hostfs splits its argument at commas
            parser.error(f"--rw: not a usable directory: {name}")
    job = Job(
        command=command,
        cwd=cwd,
        writable=writable,
        environment={**guest_environment(options.env), "PWD": cwd},
        memory=options.mem,
        timeout=options.timeout,
        kernel_arguments=options.karg,
        pid_file=options.pid_file,
    )
    return job, options.verbose


def end_on_signal(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    job, verbose = parse(None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end_on_signal)
    try:
        return run(job, verbose=verbose)
    except NoGuestError as problem:
        say(str(problem))
        return NO_GUEST


if __name__ == "__main__":
    sys.exit(main())
