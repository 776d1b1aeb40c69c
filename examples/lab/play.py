"""Play the lab in this kernel: events on stdout, one JSON object a line. `lab.py` starts this, here or in the guest."""

from __future__ import annotations

import argparse
import asyncio
import os
import shlex
import signal
import sys
from pathlib import Path

import exchange
import topology
from stage import Stage
from story import Story


async def perform(stage: Stage, story: Story, stay: Path | None) -> bool:
    """Build, play, report. True: all acts held."""
    bonded = await stage.build()
    acts = len(story.acts())
    stage.emit("start", bonded=bonded, daemon=stage.command, fast=stage.fast, acts=acts)
    watch = asyncio.create_task(stage.watch())
    playing = asyncio.create_task(story.play())
    try:
        # Neither may fail unnoticed while the other goes on.
        await asyncio.wait({watch, playing}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done():
            watch.result()
        results = await playing
        held = len(results) == acts and all(result.ok for _, result in results)
        counts = stage.answers(0)
        lost = counts.pop(None, 0)
        stage.emit("report", ok=held, answered=counts.total(), lost=lost, by=dict(counts))
        if stay is not None:
            stage.emit("kept")
            await asyncio.gather(watch, exchange.serve(stay))
    finally:
        playing.cancel()
        watch.cancel()
        await asyncio.gather(playing, watch, return_exceptions=True)
    return held


async def run(stage: Stage, story: Story, *, keep: bool = False, stay: Path | None = None) -> int:
    """Exit status: 0 where all acts held and nothing was left behind."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    clean, left = True, []
    try:
        held = await perform(stage, story, stay)
        clean = not keep
    except asyncio.CancelledError:
        held = False
        stage.emit("interrupted")
    finally:
        if clean:
            left = await stage.demolish()
            stage.emit("clean", left=left)
        else:
            stage.emit("kept")
    return 0 if held and not left else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--daemon", default=os.path.join(os.path.dirname(sys.executable), "pyvrrpd"))
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave everything up at the end")
    parser.add_argument("--stay", type=Path, metavar="DIR", help="go on at the end, and run what is asked for in DIR")
    options = parser.parse_args()
    topology.load_modules()
    stage = Stage(shlex.split(options.daemon), fast=options.fast)
    if left := topology.exists():
        stage.emit(
            "refused", text=f"a lab is up already ({', '.join(left)}); to remove it: sudo examples/lab/run --clean"
        )
        return 2
    try:
        return asyncio.run(run(stage, Story(stage), keep=options.keep, stay=options.stay))
    except topology.LabError as error:
        stage.emit("refused", text=str(error))
        return 2
    except BrokenPipeError:  # nobody looks any more; everything is taken down already
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 1


if __name__ == "__main__":
    sys.exit(main())
