"""VRRP's raw sockets of both families, and the announcing of addresses.

A receiving socket for each interface, group (or unicast source) and protocol (VRRP, or AH with VRRP in it), a sending
one for each interface and family.
"""

from __future__ import annotations

import errno
import fcntl
import select
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from operator import itemgetter
from pathlib import Path
from struct import Struct
from typing import Final

from pyvrrp.kernel import bpf, packets4, packets6
from pyvrrp.kernel.api import Received
from pyvrrp.kernel.packets6 import Interpreted
from pyvrrp.kernel.refusals import kernel_error, translated
from pyvrrp.kernel.timer import monotonic
from pyvrrp.net import IPPROTO_VRRP, VRRP_TTL, Address
from pyvrrp.wire import arp, ndisc

_SO_RCVBUFFORCE: Final = 33
_SO_TIMESTAMPNS: Final = 35
_SO_RXQ_OVFL: Final = 40
_SO_MEMINFO: Final = 55
_MEMINFO: Final = 36
"""Nine numbers, of which the last one is that of packets dropped."""
_TIMESPEC = Struct("@2l")
_U32 = Struct("@I")
_ANCILLARY: Final = socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(_U32.size) + packets6.ANCILLARY
_SIOCGIFHWADDR: Final = 0x8927
_IFREQ_NAME = Struct("16s24x")
_IFREQ_HARDWARE = Struct("@16xH6s16x")
_ARPHRD_ETHER: Final = 1
_FORWARDING: Final = Path("/proc/sys/net/ipv6/conf")

_LONGEST: Final = 65_535
_STRAY_BUFFER: Final = 8192
"""Holds a dozen or two; of the others the kernel counts how many they were."""
_STRAYS: Final = 6
"""Fewer than that have not filled it."""
_RECEIVE_BUFFER: Final = 1 << 20
"""Holds what arrives while we were stalled, so that no advertisement is missed when we judge a deadline then."""
_MOST_AT_ONCE: Final = 128
"""Of one socket; what remains is for the next look."""
_MANY: Final = 16
"""From so many virtual routers on, a backup hears more often than it needs to look."""
_MOST_PACKED: Final = 2048
_LINK_TROUBLE: Final = frozenset((errno.ENETDOWN, errno.ENODEV, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENOBUFS))
"""What a receiving socket says when its device goes; the monitor of the devices tells the same story better."""

_Send = Callable[[bytes], object]
_Ancillary = list[tuple[int, int, bytes]]
_Key = tuple[str, Address, int]
"""Interface, group and protocol."""


@dataclass(frozen=True, slots=True)
class _Family:
    """What differs between the two families of sockets."""

    listen: Callable[[str, int, Address, int], socket.socket]
    sender: Callable[[str, int], socket.socket]
    packed: Callable[[socket.socket, int, Address, Address, bytes, int | None, int], _Send]
    interpret: Callable[[bytes, _Ancillary, str], Interpreted | None]


_FAMILIES: Final = {
    4: _Family(packets4.listen, packets4.sender, packets4.packed, packets4.interpret),
    6: _Family(packets6.listen, packets6.sender, packets6.packed, packets6.interpret),
}


@dataclass(slots=True)
class _Listener:
    interface: str
    index: int
    family: _Family
    buffer: int | None
    sockets: dict[bpf.Part, socket.socket]
    """One for all, or with many virtual routers one for what is urgent and one for the rest."""
    relaxed: bool = False


def _make_ready(listener: socket.socket, buffer: int) -> None:
    """Buffer, time stamps, and nothing in it that slipped in between the socket's birth and its first filter."""
    listener.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    try:
        listener.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer)
    except PermissionError:
        # CAP_NET_RAW without CAP_NET_ADMIN: as much as the system allows.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    while True:
        try:
            listener.recv(1)
        except BlockingIOError:
            return


def _stamp(ancillary: _Ancillary) -> int:
    """When the kernel got it, nanoseconds since 1970: a process that is slow to wake must not count from its waking."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            whole, fraction = _TIMESPEC.unpack(data)
            return int(whole * 1_000_000_000 + fraction)
    return 0


def _lost(stray: socket.socket, first: _Ancillary) -> int:
    """About how many found the socket full, since the first one in it, which knows how many had been dropped before.

    Newer kernels count in what the filter drops: an advertisement or two in so short a time.
    """
    before = next((data for _, kind, data in first if kind == _SO_RXQ_OVFL), bytes(_U32.size))
    dropped = stray.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO)[-_U32.size :]
    return (int(_U32.unpack(dropped)[0]) - int(_U32.unpack(before)[0])) & 0xFFFFFFFF


def _sending(interface: str, source: Address) -> str:
    return f"send an advertisement on {interface}" if interface else f"send an advertisement from {source}"


class LinuxPackets:
    """`kernel.api.Packets` of the network namespace it is made in.

    There is one descriptor to wait on, whatever is opened and closed.
    """

    def __init__(self) -> None:
        self._listeners: dict[_Key, _Listener] = {}
        self._by_descriptor: dict[int, tuple[_Listener, socket.socket]] = {}
        self._senders: dict[tuple[str, int], tuple[int, socket.socket]] = {}
        self._packed: dict[bytes, tuple[object, list[_Send]]] = {}
        """By message: whence and where to it goes, and what sends it. Mostly the same go out all day."""
        self._emptied = monotonic()
        self._buffer = bytearray(_LONGEST)
        self._view = memoryview(self._buffer)
        with translated("open a socket for gratuitous ARP"):
            # Protocol 0: it sends, and receives nothing.
            self._link_layer = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0
            )
        self._epoll = select.epoll()
        self._lazy = select.epoll()
        """Sockets that wake nobody."""

    def open(
        self,
        interface: str,
        index: int,
        group: Address,
        virtual_router_ids: Iterable[int],
        protocol: int = IPPROTO_VRRP,
        buffer: int | None = None,
    ) -> None:
        """Listen on `interface` for `group`, which may be one of our own addresses (unicast), and be ready to send.

        One interface may be opened for several groups. Again for the same: with the new index, ids and buffer.
        """
        key = interface, group, protocol
        family = _FAMILIES[group.version]
        ids = frozenset(virtual_router_ids)
        parts = (bpf.Part.URGENT, bpf.Part.OTHER) if len(ids) >= _MANY else (bpf.Part.ALL,)
        if group.is_multicast:
            parts = *parts, bpf.Part.STRAY
        with translated(f"listen for VRRP on {interface or 'any interface'} to {group}"):
            known = self._listeners.get(key)
            if known is None or (known.index, known.buffer, {*known.sockets}) != (index, buffer, {*parts}):
                listener = self._listen(key, index, buffer, parts)
                self._forget(key)
                self._listeners[key] = listener
            for part, listening in self._listeners[key].sockets.items():
                program = bpf.vrrp_filter(group.version, ids, part, protocol, on_link=group.is_multicast)
                bpf.attach(listening, program)
            sender = self._senders.get((interface, group.version))
            if sender is None or sender[0] != index:
                self._packed.clear()
                self._senders[interface, group.version] = index, family.sender(interface, index)
                if sender is not None:
                    sender[1].close()

    def close(self, interface: str) -> None:
        """Everything that was opened on the interface."""
        self._packed.clear()
        for key in [key for key in self._listeners if key[0] == interface]:
            self._forget(key)
        for sender in [key for key in self._senders if key[0] == interface]:
            self._senders.pop(sender)[1].close()

    def relax(self, interface: str, group: Address, *, relaxed: bool) -> None:
        for listener in [listener for key, listener in self._listeners.items() if key[:2] == (interface, group)]:
            if listener.relaxed == relaxed or bpf.Part.OTHER not in listener.sockets:
                continue
            listener.relaxed = relaxed
            before, after = (self._epoll, self._lazy) if relaxed else (self._lazy, self._epoll)
            before.unregister(listener.sockets[bpf.Part.OTHER])
            after.register(listener.sockets[bpf.Part.OTHER], select.EPOLLIN)

    @property
    def relaxed(self) -> bool:
        return any(listener.relaxed for listener in self._listeners.values())

    def _listen(self, key: _Key, index: int, buffer: int | None, parts: Iterable[bpf.Part]) -> _Listener:
        interface, group, protocol = key
        listener = _Listener(interface, index, _FAMILIES[group.version], buffer, {})
        for part in parts:
            listening = listener.sockets[part] = listener.family.listen(interface, index, group, protocol)
            if part is bpf.Part.STRAY:
                _make_ready(listening, _STRAY_BUFFER)
                listening.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
            else:
                _make_ready(listening, _RECEIVE_BUFFER if buffer is None else buffer)
            self._by_descriptor[listening.fileno()] = listener, listening
            self._epoll.register(listening, select.EPOLLIN)
        return listener

    def _forget(self, key: _Key) -> None:
        listener = self._listeners.pop(key, None)
        if listener is not None:
            for part, listening in listener.sockets.items():
                del self._by_descriptor[listening.fileno()]
                lazy = listener.relaxed and part is bpf.Part.OTHER
                (self._lazy if lazy else self._epoll).unregister(listening)
                listening.close()

    def close_all(self) -> None:
        for interface in {key[0] for key in self._senders} | {key[0] for key in self._listeners}:
            self.close(interface)
        self._link_layer.close()
        self._epoll.close()
        self._lazy.close()

    def filenos(self) -> Sequence[int]:
        return (self._epoll.fileno(),)

    def receive(self, received: Received) -> int:
        # Read first, tell then: the listener may close sockets.
        datagrams: list[tuple[int, _Listener, bytes, _Ancillary, str, int]] = []
        for descriptor, _ in (*self._epoll.poll(0), *self._lazy.poll(0)):
            listener, listening = self._by_descriptor[descriptor]
            begin = len(datagrams)
            for _ in range(_MOST_AT_ONCE):
                try:
                    length, ancillary, _, sender = listening.recvmsg_into((self._buffer,), _ANCILLARY)
                except BlockingIOError:
                    break
                except OSError as error:
                    if error.errno in _LINK_TROUBLE:
                        continue
                    raise kernel_error(error.errno or 0, f"receive on {listener.interface}") from error
                stamp = _stamp(ancillary) or time.time_ns()
                datagrams.append((stamp, listener, bytes(self._view[:length]), ancillary, sender[0], 0))
            if len(datagrams) - begin >= _STRAYS and listener.sockets.get(bpf.Part.STRAY) is listening:
                datagrams[-1] = *datagrams[-1][:5], _lost(listening, datagrams[begin][3])
        now, epoch = monotonic(), time.time_ns()
        emptied, self._emptied = self._emptied, now
        datagrams.sort(key=itemgetter(0))  # what is urgent was read first, and belongs behind what came before it
        for stamp, listener, data, ancillary, sender, lost in datagrams:
            datagram = listener.family.interpret(data, ancillary, sender)
            if datagram is not None:
                # Nothing can have arrived before the sockets were last found empty, whatever the wall clock did.
                at = min(now, max(emptied, now - (epoch - stamp) // 1000))
                received(at, listener.interface, *datagram, lost)
        return len(datagrams)

    def send(
        self,
        interface: str,
        source: Address,
        destinations: Sequence[Address],
        message: bytes,
        identification: int,
        ttl: int | None = VRRP_TTL,
        protocol: int = IPPROTO_VRRP,
    ) -> None:
        """To each destination; KernelError with the first refusal, after all have been tried."""
        envelope = interface, source, destinations, ttl, protocol
        known = self._packed.get(message)
        if known is None or known[0] != envelope:
            known = self._packed[message] = envelope, self._pack(message, *envelope)
        number = identification.to_bytes(2, "big")
        refusal: OSError | None = None
        for send in known[1]:
            try:
                send(number)
            except OSError as error:
                refusal = refusal or error
        if refusal is not None:
            raise kernel_error(refusal.errno or 0, _sending(interface, source)) from refusal

    def _pack(
        self,
        message: bytes,
        interface: str,
        source: Address,
        destinations: Sequence[Address],
        ttl: int | None,
        protocol: int,
    ) -> list[_Send]:
        if (interface, source.version) not in self._senders:
            raise kernel_error(errno.ENODEV, _sending(interface, source), "no socket is open there")
        index, sender = self._senders[interface, source.version]
        packed = _FAMILIES[source.version].packed
        if len(self._packed) > _MOST_PACKED:  # old ones; sealed ones never come again
            self._packed.clear()
        return [packed(sender, index, source, destination, message, ttl, protocol) for destination in destinations]

    def announce(self, interface: str, address: Address) -> None:
        """One gratuitous ARP or unsolicited neighbor advertisement, from the hardware address as it is now.

        KernelError where there is no Ethernet.
        """
        operation = f"announce {address} on {interface}"
        with translated(operation):
            mac = self._hardware_address(interface, operation)
            if isinstance(address, IPv4Address):
                frame, kind = arp.encode(arp.gratuitous(mac, address)), arp.ETHERTYPE_ARP
            else:
                forwards = (_FORWARDING / interface / "forwarding").read_bytes().strip() != b"0"
                frame, kind = ndisc.unsolicited(mac, address, router=forwards), ndisc.ETHERTYPE_IPV6
            self._link_layer.sendto(frame, (interface, kind))

    def _hardware_address(self, interface: str, operation: str) -> bytes:
        """Asked anew each time (0.9 µs): a bond takes over its members' address, an operator may change it."""
        answer = fcntl.ioctl(self._link_layer, _SIOCGIFHWADDR, _IFREQ_NAME.pack(interface.encode()))
        kind, mac = _IFREQ_HARDWARE.unpack(answer)
        if kind != _ARPHRD_ETHER:
            raise kernel_error(errno.EOPNOTSUPP, operation, "no Ethernet device")
        assert isinstance(mac, bytes)
        return mac
