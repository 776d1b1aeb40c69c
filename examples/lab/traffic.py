"""The two ends of the lab's traffic; each runs as a process in its own namespace.

traffic.py server NAME PORT          answers every connection with its name
traffic.py client ADDRESS PORT RATE  RATE new connections a second; prints "begin end name" a line, times of
                                     CLOCK_MONOTONIC in seconds, "-" for a connection without an answer
"""

from __future__ import annotations

import asyncio
import sys
import time

PATIENCE = 1.5
"""Seconds the client waits for an answer."""


async def server(name: str, port: int) -> None:
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(name.encode() + b"\n")
        writer.close()

    async with await asyncio.start_server(answer, "0.0.0.0", port) as listener:
        await listener.serve_forever()


async def client(address: str, port: int, rate: float) -> None:
    async def one() -> None:
        begin = time.monotonic()
        name = "-"
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(address, port)
                name = (await reader.readline()).decode().strip() or "-"
                writer.close()
        except (OSError, TimeoutError):
            pass
        print(f"{begin:.4f} {time.monotonic():.4f} {name}", flush=True)

    due = time.monotonic()
    async with asyncio.TaskGroup() as requests:
        while True:
            requests.create_task(one())
            due += 1 / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    try:
        match sys.argv[1:]:
            case ["server", name, port]:
                asyncio.run(server(name, int(port)))
            case ["client", address, port, rate]:
                asyncio.run(client(address, int(port), float(rate)))
            case _:
                sys.exit(__doc__)
    except (KeyboardInterrupt, BrokenPipeError):
        pass
