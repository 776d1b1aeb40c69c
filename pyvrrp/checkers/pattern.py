"""Comparing a page with a regex, in a process of its own: some patterns take years, and Python's re cannot be stopped.

The child has the page already, being a copy of us. It says by its exit status what it found, is nicer than we are, and
is killed by the kernel where it outlives its time, even if we do not.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import resource
import signal
import warnings
from functools import cache
from typing import Final, NoReturn

from pyvrrp.checkers.connecting import words
from pyvrrp.checkers.outcome import CheckFailed, CheckNotStarted
from pyvrrp.model.checkers import Pattern
from pyvrrp.wire.http import Response

FLAGS: Final = {
    "caseless": re.IGNORECASE,
    "dotall": re.DOTALL,
    "extended": re.VERBOSE,
    "multiline": re.MULTILINE,
}
_FOUND: Final = 10
_NOT_FOUND: Final = 11
"""Exit statuses; any other is an accident."""
_NICE: Final = 10


async def matches(pattern: Pattern, response: Response, limit: float) -> bool:
    """CheckFailed where it takes more than `limit` seconds; CheckNotStarted without a process for it."""
    compiled(pattern.regex, pattern.options)  # once, for all children
    loop = asyncio.get_running_loop()
    pid = _fork(pattern, response, limit)
    descriptor = os.pidfd_open(pid)
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        async with asyncio.timeout(limit):
            await ended.wait()
    except TimeoutError as error:
        raise CheckFailed(f"the regex takes more than {limit:g} s") from error
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        if not ended.is_set():
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)  # noqa: ASYNC222 - it has ended
    code = os.waitstatus_to_exitcode(status)
    if code not in (_FOUND, _NOT_FOUND):
        raise CheckFailed(f"the regex cannot be compared: {'status' if code >= 0 else 'signal'} {abs(code)}")
    return code == _FOUND


def search(pattern: Pattern, response: Response) -> bool:
    """A match begins from min_offset on, and at max_offset at the latest; 0 is where the search begins."""
    data = bytes(response.data[response.searched_from :])
    found = compiled(pattern.regex, pattern.options).search(data, pattern.min_offset)
    return found is not None and (pattern.max_offset is None or found.start() <= pattern.max_offset)


@cache
def compiled(regex: str, options: tuple[str, ...]) -> re.Pattern[bytes]:
    flags = re.RegexFlag(0)
    for option in options:
        flags |= FLAGS.get(option, re.RegexFlag(0))
    return re.compile(regex.encode(errors="surrogateescape"), flags)


def _fork(pattern: Pattern, response: Response, limit: float) -> int:
    # A signal in the child would wake our own loop, whose descriptor it shares: none reaches it but SIGKILL.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        with warnings.catch_warnings():
            # Newer Pythons warn of threads; the child needs nothing that one of them may hold.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            _child(pattern, response, limit)
    except OSError as error:
        raise CheckNotStarted(f"no process to compare the page with the regex: {words(error.errno or 0)}") from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def _child(pattern: Pattern, response: Response, limit: float) -> NoReturn:
    status = 1
    try:
        most = math.ceil(limit)
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
        os.nice(_NICE)
        status = _FOUND if search(pattern, response) else _NOT_FOUND
    finally:
        os._exit(status)
