"""``reach.py DIRECTORY``: runs the shell script on standard input in the guest behind the directory (guest.py).

What the script says comes as it is said; the exit status is the script's. Its own standard input ends with ours.
"""

from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path

LOOK = 0.02
QUIET = 0.1
"""Seconds without a word after which the script counts as whole."""


def main() -> int:
    directory = Path(sys.argv[1])
    number = f"{time.time_ns()}-{os.getpid()}"
    script = b""
    ended = False
    while not ended and (not script or select.select([0], [], [], QUIET)[0]):
        chunk = os.read(0, 65536)
        script += chunk
        ended = not chunk
    new = directory / f"{number}.new"
    new.write_bytes(script)
    new.rename(directory / f"{number}.ask")
    out, status = directory / f"{number}.out", directory / f"{number}.status"
    told = 0
    while True:
        if not ended and select.select([0], [], [], 0)[0]:
            ended = not os.read(0, 65536)
        if ended:
            (directory / f"{number}.end").touch()
        done = status.exists()
        if out.exists():
            with out.open("rb") as file:
                file.seek(told)
                text = file.read()
            told += len(text)
            os.write(1, text)
        if done:
            return int(status.read_text())
        time.sleep(LOOK)


if __name__ == "__main__":
    sys.exit(main())
