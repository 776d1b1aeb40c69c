"""VRRP's raw sockets over IPv4, and gratuitous ARP.

A receiving socket for each interface and group (or unicast source), a sending one for each interface. The sending ones
are of protocol IPPROTO_RAW: we write the IP header, and the kernel never delivers anything to them.
"""

from __future__ import annotations

import errno
import fcntl
import select
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from struct import Struct
from typing import Final

from pyvrrp.errors import WireError
from pyvrrp.kernel import bpf
from pyvrrp.kernel.api import Received
from pyvrrp.kernel.refusals import kernel_error, translated
from pyvrrp.kernel.timer import monotonic
from pyvrrp.net import IPPROTO_VRRP, VRRP_TOS, Address
from pyvrrp.wire import arp
from pyvrrp.wire.ip import decode_ipv4, encode_ipv4_header

_IP_FREEBIND: Final = 15
_IP_MULTICAST_ALL: Final = 49
_SO_RCVBUFFORCE: Final = 33
_SO_TIMESTAMPNS: Final = 35
_TIMESPEC = Struct("@2l")
_ANCILLARY: Final = socket.CMSG_SPACE(_TIMESPEC.size)
_IP_MREQN = Struct("=4s4si")
_SIOCGIFHWADDR: Final = 0x8927
_IFREQ_NAME = Struct("16s24x")
_IFREQ_HARDWARE = Struct("@16xH6s16x")
_ARPHRD_ETHER: Final = 1

_LONGEST: Final = 65_535
_RECEIVE_BUFFER: Final = 1 << 20
"""Holds what arrives while we were stalled, so that no advertisement is missed when we judge a deadline then."""
_MOST_AT_ONCE: Final = 4096
"""More datagrams than the receive buffer holds; a flood must not keep us reading for ever."""
_LINK_TROUBLE: Final = frozenset((errno.ENETDOWN, errno.ENODEV, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENOBUFS))
"""What a receiving socket says when its device goes; the monitor of the devices tells the same story better."""


@dataclass(slots=True)
class _Listener:
    socket: socket.socket
    interface: str
    index: int
    group: IPv4Address


def _ipv4(address: Address, operation: str) -> IPv4Address:
    if not isinstance(address, IPv4Address):
        raise kernel_error(errno.EAFNOSUPPORT, operation, "only IPv4 so far")
    return address


def _listen(interface: str, index: int, group: IPv4Address) -> socket.socket:
    """A socket that receives what comes to `group` on `interface`, with a filter that still drops everything."""
    # The first filter comes before anything else: a raw socket receives from all devices as soon as it exists.
    listener = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, IPPROTO_VRRP)
    try:
        bpf.attach(listener, bpf.DROP_ALL)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        # Not what other sockets of this machine have joined (their groups, their devices).
        listener.setsockopt(socket.IPPROTO_IP, _IP_MULTICAST_ALL, 0)
        listener.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        try:
            listener.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:
            # CAP_NET_RAW without CAP_NET_ADMIN: as much as the system allows.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if group.is_multicast:
            membership = _IP_MREQN.pack(group.packed, bytes(4), index)
            listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        else:
            listener.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        listener.bind((str(group), 0))
        # What slipped in between the socket's birth and its first filter is not from this interface.
        while True:
            try:
                listener.recv(1)
            except BlockingIOError:
                return listener
    except BaseException:
        listener.close()
        raise


def _stamp(ancillary: list[tuple[int, int, bytes]], otherwise: int) -> int:
    """When the kernel got it, nanoseconds since 1970: a process that is slow to wake must not count from its waking."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            whole, fraction = _TIMESPEC.unpack(data)
            return int(whole * 1_000_000_000 + fraction)
    return otherwise


def _sender(interface: str, index: int) -> socket.socket:
    sender = socket.socket(
        socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW
    )
    try:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _IP_MREQN.pack(bytes(4), bytes(4), index))
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 0)
        # The header's ToS is ours; this one makes the device's queue treat the packet accordingly.
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, VRRP_TOS)
    except BaseException:
        sender.close()
        raise
    return sender


class LinuxPackets:
    """`kernel.api.Packets` of the network namespace it is made in.

    There is one descriptor to wait on, whatever is opened and closed. Of one socket the oldest datagram comes first;
    between sockets, which belong to different virtual routers, there is no order.
    """

    def __init__(self) -> None:
        self._listeners: dict[tuple[str, IPv4Address], _Listener] = {}
        self._by_descriptor: dict[int, _Listener] = {}
        self._senders: dict[str, tuple[int, socket.socket]] = {}
        self._emptied = monotonic()
        self._buffer = bytearray(_LONGEST)
        self._view = memoryview(self._buffer)
        with translated("open a socket for gratuitous ARP"):
            # Protocol 0: it sends, and receives nothing.
            self._link_layer = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0
            )
        self._epoll = select.epoll()

    def open(self, interface: str, index: int, group: Address, virtual_router_ids: Iterable[int]) -> None:
        """Listen on `interface` for `group`, which may be one of our own addresses (unicast), and be ready to send.

        One interface may be opened for several groups. Again for the same: with the new index and ids.
        """
        operation = f"listen for VRRP on {interface} to {group}"
        destination = _ipv4(group, operation)
        key = interface, destination
        with translated(operation):
            known = self._listeners.get(key)
            if known is None or known.index != index:
                listener = _Listener(_listen(interface, index, destination), interface, index, destination)
                self._forget(key)
                self._listeners[key] = listener
                self._by_descriptor[listener.socket.fileno()] = listener
                self._epoll.register(listener.socket, select.EPOLLIN)
            bpf.attach(self._listeners[key].socket, bpf.vrrp4_filter(virtual_router_ids))
            sender = self._senders.get(interface)
            if sender is None or sender[0] != index:
                self._senders[interface] = index, _sender(interface, index)
                if sender is not None:
                    sender[1].close()

    def close(self, interface: str) -> None:
        """Everything that was opened on the interface."""
        for key in [key for key in self._listeners if key[0] == interface]:
            self._forget(key)
        sender = self._senders.pop(interface, None)
        if sender is not None:
            sender[1].close()

    def _forget(self, key: tuple[str, IPv4Address]) -> None:
        listener = self._listeners.pop(key, None)
        if listener is not None:
            del self._by_descriptor[listener.socket.fileno()]
            self._epoll.unregister(listener.socket)
            listener.socket.close()

    def close_all(self) -> None:
        for interface in {*self._senders, *(interface for interface, _ in self._listeners)}:
            self.close(interface)
        self._link_layer.close()
        self._epoll.close()

    def filenos(self) -> Sequence[int]:
        return (self._epoll.fileno(),)

    def receive(self, received: Received) -> int:
        # Read first, tell then: the listener may close sockets.
        datagrams: list[tuple[str, bytes, list[tuple[int, int, bytes]]]] = []
        for descriptor, _ in self._epoll.poll(0):
            listener = self._by_descriptor[descriptor]
            for _ in range(_MOST_AT_ONCE):
                try:
                    length, ancillary, _, _ = listener.socket.recvmsg_into((self._buffer,), _ANCILLARY)
                except BlockingIOError:
                    break
                except OSError as error:
                    if error.errno in _LINK_TROUBLE:
                        continue
                    raise kernel_error(error.errno or 0, f"receive on {listener.interface}") from error
                datagrams.append((listener.interface, bytes(self._view[:length]), ancillary))
        now, epoch = monotonic(), time.time_ns()
        emptied, self._emptied = self._emptied, now
        for interface, data, ancillary in datagrams:
            try:
                datagram = decode_ipv4(data)
            except WireError:
                # The kernel checks the header before it delivers; there is nobody to blame and nothing to read.
                continue
            # Nothing can have arrived before the sockets were last found empty, whatever the wall clock did meanwhile.
            at = min(now, max(emptied, now - (epoch - _stamp(ancillary, epoch)) // 1000))
            received(at, interface, datagram.source, datagram.destination, datagram.ttl, datagram.payload)
        return len(datagrams)

    def send(
        self, interface: str, source: Address, destinations: Sequence[Address], message: bytes, identification: int
    ) -> None:
        """To each destination; KernelError with the first refusal, after all have been tried."""
        operation = f"send an advertisement on {interface}"
        if interface not in self._senders:
            raise kernel_error(errno.ENODEV, operation, "no socket is open there")
        sender = self._senders[interface][1]
        refusal: OSError | None = None
        for destination in destinations:
            target = _ipv4(destination, operation)
            header = encode_ipv4_header(_ipv4(source, operation), target, identification, len(message))
            # A group is on the link whatever the routes say.
            flags = socket.MSG_DONTROUTE if target.is_multicast else 0
            try:
                sender.sendto(header + message, flags, (str(target), 0))
            except OSError as error:
                refusal = refusal or error
        if refusal is not None:
            raise kernel_error(refusal.errno or 0, operation) from refusal

    def gratuitous_arp(self, interface: str, address: Address) -> None:
        """One frame from the interface's hardware address as it is now. KernelError where there is no ARP."""
        operation = f"announce {address} on {interface}"
        target = _ipv4(address, operation)
        with translated(operation):
            mac = self._hardware_address(interface, operation)
            frame = arp.encode(arp.gratuitous(mac, target))
            self._link_layer.sendto(frame, (interface, arp.ETHERTYPE_ARP))

    def _hardware_address(self, interface: str, operation: str) -> bytes:
        """Asked anew each time (0.9 µs): a bond takes over its members' address, an operator may change it."""
        answer = fcntl.ioctl(self._link_layer, _SIOCGIFHWADDR, _IFREQ_NAME.pack(interface.encode()))
        kind, mac = _IFREQ_HARDWARE.unpack(answer)
        if kind != _ARPHRD_ETHER:
            raise kernel_error(errno.EOPNOTSUPP, operation, "no Ethernet device")
        assert isinstance(mac, bytes)
        return mac
