"""The kernel's process events, from this very kernel."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time

import pytest

from pyvrrp.kernel.processlist import (
    ProcessChange,
    ProcessEvent,
    ProcessEvents,
    process_command,
    process_ids,
    process_name,
)


@pytest.mark.root
def test_processes_are_told_of_and_threads_are_not() -> None:
    events = ProcessEvents()
    threads: list[int] = []
    for _ in range(5):
        thread = threading.Thread(target=lambda: threads.append(threading.get_native_id()))
        thread.start()
        thread.join()
    child = subprocess.Popen(["/bin/sh", "-c", "echo renamed > /proc/$$/comm; exit 0"])
    child.wait()
    found: list[ProcessEvent] = []
    end = time.monotonic() + 10
    while ProcessEvent(ProcessChange.EXIT, child.pid) not in found and time.monotonic() < end:
        select.select([events], [], [], 1)
        found += events.read() or []
    events.close()
    ours = [event.change for event in found if event.pid == child.pid]
    assert ours == [ProcessChange.FORK, ProcessChange.EXEC, ProcessChange.RENAME, ProcessChange.EXIT]
    assert ProcessEvent(ProcessChange.FORK, child.pid, os.getpid()) in found
    assert not {event.pid for event in found}.intersection(threads)


def test_what_proc_says_of_a_process() -> None:
    assert os.getpid() in process_ids()
    child = subprocess.Popen(["/bin/sleep", "60"])
    try:
        end = time.monotonic() + 10
        while process_command(child.pid) != b"/bin/sleep\x0060\0":
            assert time.monotonic() < end
        assert process_name(child.pid) == b"sleep"
    finally:
        child.kill()
        child.wait()
    assert (process_name(child.pid), process_command(child.pid)) == (None, None)
