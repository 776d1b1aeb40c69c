"""Asking a network device for its link, where netlink is not to be believed (linkbeat_interfaces)."""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
from array import array
from enum import StrEnum
from typing import Final

from pyvrrp.kernel.refusals import kernel_error, translated

_SIOCGIFFLAGS: Final = 0x8913
_SIOCETHTOOL: Final = 0x8946
_SIOCGMIIPHY: Final = 0x8947
_SIOCGMIIREG: Final = 0x8948
_ETHTOOL_GLINK: Final = 0xA
_IFF_UP: Final = 0x1
_IFF_RUNNING: Final = 0x40
_MII_STATUS: Final = 1
_MII_LINK: Final = 0x4
_NAME: Final = 16
_REQUEST: Final = 40
"""Sizes of the name in struct ifreq, and of all of it."""


class Method(StrEnum):
    """How to ask, the best first."""

    MII = "MII"
    ETHTOOL = "ETHTOOL"
    IOCTL = "IOCTL"


class LinkBeat:
    """`kernel.api.LinkBeats`."""

    def __init__(self) -> None:
        with translated("open a socket"):
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)

    def close(self) -> None:
        self._socket.close()

    def best(self, name: str) -> Method:
        """The first method that the device answers to. KernelError(ABSENT) where there is no such device."""
        for method in Method:
            try:
                self._ask(name, method)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    raise kernel_error(errno.ENODEV, f"ask {name} for its link") from error
            else:
                return method
        return Method.IOCTL

    def is_up(self, name: str, method: Method) -> bool:
        """Whether the device is up and has a link. KernelError where it does not say so in this way."""
        with translated(f"ask {name} for its link ({method})"):
            (flags,) = struct.unpack_from("=H", self._request(name, _SIOCGIFFLAGS), _NAME)
            return bool(flags & _IFF_UP) and self._ask(name, method)

    def _ask(self, name: str, method: Method) -> bool:
        if method is Method.IOCTL:
            (flags,) = struct.unpack_from("=H", self._request(name, _SIOCGIFFLAGS), _NAME)
            return bool(flags & _IFF_RUNNING)
        if method is Method.ETHTOOL:
            value = array("I", [_ETHTOOL_GLINK, 0])
            self._request(name, _SIOCETHTOOL, struct.pack("@P", value.buffer_info()[0]))
            return bool(value[1])
        phy = self._request(name, _SIOCGMIIPHY)[_NAME : _NAME + 2]
        answer = self._request(name, _SIOCGMIIREG, phy + struct.pack("=H", _MII_STATUS))
        (status,) = struct.unpack_from("=H", answer, _NAME + 6)
        return bool(status & _MII_LINK)

    def _request(self, name: str, number: int, data: bytes = b"") -> bytes:
        request = name.encode().ljust(_NAME, b"\0")[:_NAME] + data
        return fcntl.ioctl(self._socket, number, request.ljust(_REQUEST, b"\0"))
