"""From a command line to a running daemon: what can be known to be wrong is known before any worker works."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from pyvrrp import __version__
from pyvrrp.config.memory import Memory
from pyvrrp.core.log import Level
from pyvrrp.daemon.birth import Newborn, dismiss
from pyvrrp.daemon.configuration import Reading, dump, lines, on_this_machine, read
from pyvrrp.daemon.exit_status import ExitStatus
from pyvrrp.daemon.launch import Launch
from pyvrrp.daemon.log import Log, open_log
from pyvrrp.daemon.options import Options
from pyvrrp.daemon.pidfile import InUseError, PidFile, PidFiles, make_directories, pid_files, remove_directories
from pyvrrp.daemon.signals import WAITING_AT_START
from pyvrrp.daemon.supervisor import Supervisor
from pyvrrp.errors import KernelError
from pyvrrp.kernel.netns import enter
from pyvrrp.kernel.system import missing_privileges
from pyvrrp.model.config import GlobalDefs


class StartError(Exception):
    """The daemon does not start; the lines are for the log and, where no `text` is better, for the terminal."""

    def __init__(self, status: ExitStatus, *lines: str, text: str | None = None) -> None:
        super().__init__("\n".join(lines))
        self.status = status
        self.lines = lines
        self.text = str(self) if text is None else text


def run(
    options: Options,
    show: Callable[[Reading], str],
    launch: Launch,
    newborn: Newborn | None,
    notify_socket: str | None,
) -> ExitStatus:
    """Live; `newborn`: a worker that waits for its first order; `notify_socket`: where systemd listens."""
    memory = Memory()
    reading = read(options, memory)
    global_defs = reading.config.global_defs
    namespace = options.net_namespace or global_defs.net_namespace
    try:
        reading = prepare(reading, namespace)
        if reading.status is not ExitStatus.OK:
            raise StartError(reading.status, *(line for _, line in lines(reading.problems)), text=show(reading))
        files = pid_files(options, global_defs)
        own = claim(files)
    except StartError as error:
        if newborn is not None:
            dismiss(newborn)
        launch.say(error.text)
        log = open_log(options, "daemon", namespace, global_defs.instance)
        for line in error.lines:
            log(Level.ERROR, line)
        return error.status
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITING_AT_START)
    own.write(os.getpid())
    try:
        log = open_log(options, "daemon", namespace, global_defs.instance)
        introduce(log, options, reading)
        if global_defs.process_names is not None or global_defs.places is not None:
            from pyvrrp.daemon.standing import stand

            stand(None, global_defs, GlobalDefs(), options.umask, log)
        supervisor = Supervisor(
            options,
            reading,
            lambda: on_this_machine(read(options, memory)),
            files,
            log,
            launch,
            namespace=namespace,
            newborn=newborn,
            notify_socket=notify_socket,
        )
        return live(supervisor, log, launch)
    finally:
        own.remove()
        remove_directories(files.directories)


def prepare(reading: Reading, namespace: str | None) -> Reading:
    """Be where the daemon is to work, and see what of the configuration is there. StartError."""
    if namespace is not None:
        try:
            enter(namespace)
        except KernelError as error:
            # Status 0 as keepalived's: some units rely on it not to be restarted for ever.
            raise StartError(ExitStatus.OK, f"{error}: `ip netns` lists what there is") from error
    if missing := missing_privileges():
        raise StartError(ExitStatus.PERMISSION, *missing)
    return on_this_machine(reading)


def claim(files: PidFiles) -> PidFile:
    """The daemon's pid file, locked. StartError."""
    try:
        make_directories(files.directories)
        return PidFile(files.daemon)
    except InUseError as error:
        raise StartError(ExitStatus.OK, f"daemon is already running: {error}") from error
    except OSError as error:
        raise StartError(ExitStatus.FATAL, f"pid file: {error}") from error


def introduce(log: Log, options: Options, reading: Reading) -> None:
    """The first lines of the log."""
    log(Level.INFO, f"Starting pyvrrpd {__version__}, configuration file {options.config_file}")
    for flag in options.not_active:
        log(Level.WARNING, f"option {flag}: not active yet")
    for level, line in lines(reading.problems):
        log(level, line)
    if options.dump_config:
        for line in dump(reading.config):
            log(Level.INFO, line)


def live(supervisor: Supervisor, log: Log, launch: Launch) -> ExitStatus:
    """The daemon's own life, to the last line of its log."""
    try:
        status = supervisor.run()
    except InUseError as error:
        status = fail(log, launch, ExitStatus.OK, f"daemon is already running: {error}")
    except OSError as error:
        status = fail(log, launch, ExitStatus.FATAL, f"a worker cannot be started: {error}")
    log(Level.INFO, "Stopped")
    return status


def fail(log: Log, launch: Launch, status: ExitStatus, text: str) -> ExitStatus:
    log(Level.ERROR, text)
    launch.say(text)
    return status
