"""In each guest: runs the shell scripts that it finds in a directory which both kernels see.

NUMBER.ask is a script; what it says goes to NUMBER.out as it comes, its exit status to NUMBER.status; NUMBER.end ends
its standard input. Neither sockets nor FIFOs cross from one kernel to the other, and of a file the host sees what was
synced.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

LOOK = 0.03


def run(directory: Path, number: str, script: bytes) -> None:
    # Not from standard input: what the script starts may want to read that.
    process = subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdin is not None
    assert process.stdout is not None

    def end_input() -> None:
        while process.poll() is None and not (directory / f"{number}.end").exists():
            time.sleep(LOOK)
        process.stdin.close()  # type: ignore[union-attr]

    threading.Thread(target=end_input, daemon=True).start()
    out = os.open(directory / f"{number}.out", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    while chunk := os.read(process.stdout.fileno(), 65536):
        os.write(out, chunk)
        os.fsync(out)
    os.close(out)
    status = directory / f"{number}.status.new"
    status.write_text(str(process.wait()))
    status.rename(directory / f"{number}.status")


def main() -> None:
    directory = Path(sys.argv[1])
    (directory / "ready").write_text("")
    while True:
        for ask in sorted(directory.glob("*.ask")):
            script = ask.read_bytes()
            ask.unlink()
            threading.Thread(target=run, args=(directory, ask.stem, script), daemon=True).start()
        time.sleep(LOOK)


if __name__ == "__main__":
    main()
