"""From errno to `KernelError`: the one place where the kernel's answers get a meaning and words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pyvrrp.errors import KernelError, KernelFault

_FAULTS: Final = {
    errno.ENOENT: KernelFault.ABSENT,
    errno.ESRCH: KernelFault.ABSENT,
    errno.ENODEV: KernelFault.ABSENT,
    errno.ENXIO: KernelFault.ABSENT,
    errno.EADDRNOTAVAIL: KernelFault.ABSENT,
    errno.EEXIST: KernelFault.PRESENT,
    errno.EPERM: KernelFault.DENIED,
    errno.EACCES: KernelFault.DENIED,
    errno.EOPNOTSUPP: KernelFault.UNSUPPORTED,
    errno.EAFNOSUPPORT: KernelFault.UNSUPPORTED,
    errno.EPROTONOSUPPORT: KernelFault.UNSUPPORTED,
}

_ADVICE: Final = {
    KernelFault.DENIED: "root or the capabilities CAP_NET_ADMIN and CAP_NET_RAW are needed",
}


def kernel_error(number: int, operation: str, detail: str = "") -> KernelError:
    """A refusal of `operation` with errno `number` (positive); `detail`: what else the kernel said, if anything."""
    fault = _FAULTS.get(number, KernelFault.OTHER)
    text = os.strerror(number)
    if detail:
        text = f"{text} ({detail})"
    if fault in _ADVICE:
        text = f"{text}: {_ADVICE[fault]}"
    return KernelError(number, operation, fault, text)


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Turns an OSError of the body into a KernelError."""
    try:
        yield
    except OSError as error:
        raise kernel_error(error.errno or 0, operation) from error
