"""nftables through libnftables, the library of the `nft` program: it speaks nft's own language and checks it.

Why not the `nft` program itself: a process would have to be started and waited for between an advertisement and its
addresses; the library answers in 2 ms at most. Why not netlink by hand: a rule is a program of the kernel's register
machine, and the library that compiles it is kept by those who keep the kernel's side.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Final

from pyvrrp.kernel.netlink import Monitor, attributes
from pyvrrp.kernel.refusals import kernel_error

_LIBRARY: Final = "libnftables.so.1"
_NETLINK_NETFILTER: Final = 12
_GROUP_NFTABLES: Final = 1 << 6
_SUBSYSTEM: Final = 10
_DELETIONS: Final = frozenset({2, 5, 8, 11, 14})
"""NFT_MSG_DELTABLE, DELCHAIN, DELRULE, DELSET, DELSETELEM: the table's name is the first attribute of all of them."""
_NFGENMSG: Final = 4


class LinuxFirewall:
    """`kernel.api.Firewall` of the network namespace it is made in. KernelError(UNSUPPORTED) without the library."""

    def __init__(self) -> None:
        try:
            library = ctypes.CDLL(_LIBRARY)
        except OSError as error:
            raise kernel_error(errno.EOPNOTSUPP, f"load {_LIBRARY}", "install nftables") from error
        library.nft_ctx_new.restype = ctypes.c_void_p
        library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        self._library = library
        self._context = ctypes.c_void_p(library.nft_ctx_new(ctypes.c_uint32(0)))
        library.nft_ctx_buffer_error(self._context)
        library.nft_ctx_buffer_output(self._context)
        self._monitor: Monitor | None = None

    def close(self) -> None:
        self._library.nft_ctx_free(self._context)
        if self._monitor is not None:
            self._monitor.close()

    def apply(self, text: str) -> None:
        """One transaction: all of it or nothing."""
        status = self._library.nft_run_cmd_from_buffer(self._context, ctypes.c_char_p(text.encode()))
        said = self._library.nft_ctx_get_error_buffer(self._context) or b""
        if self._monitor is not None:
            self._monitor.read()  # what we have changed ourselves is no news
        if status:
            first = said.decode(errors="replace").strip().splitlines()
            raise kernel_error(_number(first), "change the nftables rules", first[0] if first else "")

    def watch(self) -> int:
        """The descriptor that becomes readable when somebody changes rules."""
        self._monitor = Monitor(_NETLINK_NETFILTER, _GROUP_NFTABLES)
        return self._monitor.fileno()

    def read(self, table: str) -> bool:
        """Has somebody deleted something of the table?"""
        if self._monitor is None:
            return False
        messages, lost = self._monitor.read()
        return lost or any(_deletes(kind, body, table) for kind, body in messages)


def _deletes(kind: int, body: bytes, table: str) -> bool:
    if kind >> 8 != _SUBSYSTEM or kind & 0xFF not in _DELETIONS:
        return False
    return attributes(body, _NFGENMSG).get(1, b"").rstrip(b"\0").decode(errors="replace") == table


def _number(said: list[str]) -> int:
    """The library tells an errno in words only."""
    text = said[0] if said else ""
    known = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOENT)
    return next((number for number in known if os.strerror(number) in text), errno.EINVAL)
