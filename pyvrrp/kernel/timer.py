"""The monotonic clock and one precise alarm.

asyncio and uvloop round their timers up to whole milliseconds: a wake-up is 1.1 ms late at the median, which is more
than a whole takeover may cost. A timerfd in the same loop is 0.13 ms late.
"""

from __future__ import annotations

import os
import sys
import time
from struct import Struct
from typing import Final

from pyvrrp.kernel.refusals import kernel_error, translated
from pyvrrp.units import Micros

_TFD_NONBLOCK_CLOEXEC: Final = os.O_NONBLOCK | os.O_CLOEXEC
_TFD_TIMER_ABSTIME: Final = 1
_NANOSECONDS: Final = 1_000_000_000
_EXPIRATIONS: Final = 8


def monotonic() -> Micros:
    """CLOCK_MONOTONIC now."""
    return time.monotonic_ns() // 1000


if sys.version_info >= (3, 13):

    def _create() -> int:
        return os.timerfd_create(time.CLOCK_MONOTONIC, flags=_TFD_NONBLOCK_CLOEXEC)

    def _set(descriptor: int, nanoseconds: int) -> None:
        os.timerfd_settime_ns(descriptor, flags=_TFD_TIMER_ABSTIME, initial=nanoseconds)

else:
    import ctypes

    _libc = ctypes.CDLL(None, use_errno=True)
    _ITIMERSPEC = Struct("@4l")

    def _create() -> int:
        descriptor: int = _libc.timerfd_create(time.CLOCK_MONOTONIC, _TFD_NONBLOCK_CLOEXEC)
        if descriptor < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        return descriptor

    def _set(descriptor: int, nanoseconds: int) -> None:
        value = _ITIMERSPEC.pack(0, 0, *divmod(nanoseconds, _NANOSECONDS))
        if _libc.timerfd_settime(descriptor, _TFD_TIMER_ABSTIME, value, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")


class Timer:
    """A descriptor that becomes readable at an instant."""

    def __init__(self) -> None:
        with translated("create a timer"):
            self._descriptor = _create()

    def fileno(self) -> int:
        return self._descriptor

    def arm(self, at: Micros | None) -> None:
        """Ring at `at` (CLOCK_MONOTONIC), at once if that is past; None: not at all. Replaces what was armed."""
        with translated("arm a timer"):
            # Zero would mean "not at all".
            _set(self._descriptor, 0 if at is None else max(1, at * 1000))

    def clear(self) -> bool:
        """Make the descriptor unreadable again; whether it had rung."""
        try:
            return bool(os.read(self._descriptor, _EXPIRATIONS))
        except BlockingIOError:
            return False
        except OSError as error:
            raise kernel_error(error.errno or 0, "read a timer") from error

    def close(self) -> None:
        os.close(self._descriptor)
