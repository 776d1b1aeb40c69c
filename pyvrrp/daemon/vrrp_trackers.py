"""What the instances of a vrrp worker are tied to: scripts, files, processes, links. What a configuration does not use
is not loaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyvrrp.core.log import Level
from pyvrrp.core.vrrp.events import Event, InterfaceChanged, InterfaceFacts, TrackerChanged
from pyvrrp.core.vrrp.snapshot import TrackerSnapshot
from pyvrrp.core.vrrp.surroundings import WORDS
from pyvrrp.errors import KernelError
from pyvrrp.kernel.timer import monotonic
from pyvrrp.model.config import Config
from pyvrrp.model.tracked import LinkBeat, Tracker

if TYPE_CHECKING:
    from pyvrrp.kernel.processes import Process
    from pyvrrp.kernel.processlist import ProcessEvents
    from pyvrrp.model.scripts import Command
    from pyvrrp.model.tracked import TrackFile
    from pyvrrp.trackers.files import FileTracker
    from pyvrrp.trackers.links import LinkTracker
    from pyvrrp.trackers.processes import ProcessTracker
    from pyvrrp.trackers.scripts import ScriptTracker

NO_BFD = "not yet up: no BFD session runs in this version, so it counts neither as up nor as down"


class Trackers:
    """All of them, behind one door: `run` a configuration, and `feed` gets what they find."""

    def __init__(
        self,
        start: Callable[[Command], Process],
        log: Callable[[Level, str], None],
        feed: Callable[[Event], None],
        facts: Callable[[str], InterfaceFacts | None],
    ) -> None:
        """`start` runs a command as its user, KernelError if that cannot be done; `facts`: what netlink last said of a
        device."""
        self._start = start
        self._log = log
        self._feed = feed
        self._facts = facts
        self._config = Config()
        self._scripts: ScriptTracker | None = None
        self._files: FileTracker | None = None
        self._processes: ProcessTracker | None = None
        self._links: LinkTracker | None = None

    def run(self, config: Config) -> None:
        """Find out from now on what this configuration wants to know. Files and processes are looked at at once."""
        self._config = config
        self._ask_links(config)
        self._watch_files(config)
        self._count_processes(config)
        self._run_scripts(config)

    def stop(self) -> None:
        """Ask scripts that run to end, and look at nothing any more."""
        for tracker in (self._files, self._processes, self._links):
            if tracker is not None:
                tracker.close()
        if self._scripts is not None:
            self._scripts.stop()

    def link(self, name: str, facts: InterfaceFacts) -> InterfaceFacts:
        """The device as it counts: with its link as it was asked for, where it is."""
        if self._links is None:
            return facts
        from dataclasses import replace

        return replace(facts, up=self._links.is_up(name, facts.up))

    def snapshot(self) -> tuple[TrackerSnapshot, ...]:
        found: list[TrackerSnapshot] = []

        def add(kind: Tracker, name: str, state: str, detail: str = "") -> None:
            found.append(TrackerSnapshot(kind=kind.value, name=name, state=state, detail=detail))

        if self._scripts is not None:
            for name, (up, detail) in self._scripts.describe().items():
                state = "not run yet" if up is None else WORDS[Tracker.SCRIPT][up]
                add(Tracker.SCRIPT, name, state, detail)
        if self._files is not None:
            for file in self._tracked_files():
                add(Tracker.FILE, file.name, str(self._files.values[file.file]), file.file)
        if self._processes is not None:
            for name, (up, detail) in self._processes.describe().items():
                add(Tracker.PROCESS, name, WORDS[Tracker.PROCESS][up], detail)
        for name in self._tracked(Tracker.BFD):
            add(Tracker.BFD, name, "unknown", NO_BFD)
        return tuple(found)

    # The four of them.

    def _run_scripts(self, config: Config) -> None:
        if self._scripts is None and config.vrrp_scripts:
            from pyvrrp.trackers.scripts import ScriptTracker

            self._scripts = ScriptTracker(
                lambda script: self._start(script.script),
                self._log,
                lambda name, up, detail: self._tell(Tracker.SCRIPT, name, up, detail),
            )
        if self._scripts is not None:
            self._scripts.run(config.vrrp_scripts)

    def _watch_files(self, config: Config) -> None:
        files = self._tracked_files()
        if self._files is None and files:
            from pyvrrp.trackers.files import FileTracker

            try:
                self._files = FileTracker(self._log, self._file_changed)
            except KernelError as error:
                self._log(Level.ERROR, f"{error}; tracked files are not watched")
                return
        if self._files is not None:
            self._files.watch(file.file for file in files)
            for file in files:
                self._tell(Tracker.FILE, file.name, self._files.values[file.file])

    def _file_changed(self, path: str, value: int) -> None:
        for file in self._tracked_files():
            if file.file == path:
                self._tell(Tracker.FILE, file.name, value)

    def _count_processes(self, config: Config) -> None:
        names = self._tracked(Tracker.PROCESS)
        wanted = [process for process in config.track_processes if process.name in names]
        if self._processes is None and wanted:
            from pyvrrp.trackers.processes import ProcessTracker

            self._processes = ProcessTracker(
                self._log,
                lambda name, up, detail: self._tell(Tracker.PROCESS, name, up, detail),
                self._listen,
            )
        if self._processes is not None:
            self._processes.watch(wanted)

    def _listen(self) -> ProcessEvents:
        from pyvrrp.kernel.processlist import ProcessEvents

        buffers = self._config.global_defs.buffers
        if buffers is None:
            return ProcessEvents()
        return ProcessEvents(buffers.process_monitor_rcv_bufs, force=buffers.process_monitor_rcv_bufs_force)

    def _ask_links(self, config: Config) -> None:
        wanted = {one.interface: one for one in config.linkbeat_interfaces}
        for name in polled(config):
            wanted.setdefault(name, LinkBeat(interface=name))
        if self._links is None and wanted:
            from pyvrrp.kernel.linkbeat import LinkBeat as Beats
            from pyvrrp.trackers.links import LinkTracker

            self._links = LinkTracker(Beats(), self._log, self._link_changed)
        if self._links is not None:
            self._links.watch(wanted.values())

    def _link_changed(self, name: str, up: bool) -> None:
        if (facts := self._facts(name)) is not None:
            self._feed(InterfaceChanged(monotonic(), name, self.link(name, facts)))

    def _tell(self, kind: Tracker, name: str, value: bool | int | None, detail: str = "") -> None:
        self._feed(TrackerChanged(monotonic(), kind, name, value, detail))

    def _tracked(self, kind: Tracker) -> frozenset[str]:
        """What the instances track of a kind."""
        return frozenset(one.name for i in self._config.vrrp_instances for one in getattr(i, kind))

    def _tracked_files(self) -> list[TrackFile]:
        names = self._tracked(Tracker.FILE)
        return [file for file in self._config.track_files if file.name in names]


def polled(config: Config) -> set[str]:
    """The devices whose link is asked for because of linkbeat_use_polling."""
    everything = config.global_defs.vrrp is not None and config.global_defs.vrrp.linkbeat_use_polling
    names: set[str] = set()
    for instance in config.vrrp_instances:
        if everything:
            names.update((instance.interface, *(one.name for one in instance.track_interface)))
        elif instance.linkbeat_use_polling:
            names.add(instance.interface)
    return names
