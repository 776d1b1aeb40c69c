"""IPVS's generic netlink messages (linux/ip_vs.h) for what `plan` asks for and for the dumps.

Byte orders are mixed: ports, tunnel ports and the IPv4 netmask travel in network order, everything else (the IPv6
prefix length and the port of the synchronisation included) in the host's.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from sys import byteorder
from typing import Final, assert_never

from pyvrrp.core.lvs.ipvs_settings import SetTimeouts, StartSync, StopSync, SyncRole
from pyvrrp.core.lvs.ipvs_table import (
    ALL_ONES,
    AddDestination,
    AddService,
    Destination,
    DestinationState,
    Flush,
    Operation,
    RemoveDestination,
    RemoveService,
    Service,
    ServiceState,
    SetDestination,
    SetService,
)
from pyvrrp.core.lvs.snapshot import Traffic
from pyvrrp.errors import KernelError
from pyvrrp.kernel.netlink import attribute, attributes
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.globals import IpvsTimeouts, SyncDaemon
from pyvrrp.model.lvs import Forwarding, Protocol, ServiceFlag, ServiceKey, Tunnel, TunnelChecksum, TunnelType
from pyvrrp.net import AF_INET, Address, family

GENL_HEADER: Final = Struct("=BBH")

GET_SERVICE: Final = 4
GET_DEST: Final = 8
_COMMANDS: Final[Mapping[type[Operation], int]] = {
    AddService: 1,
    SetService: 2,
    RemoveService: 3,
    AddDestination: 5,
    SetDestination: 6,
    RemoveDestination: 7,
    StartSync: 9,
    StopSync: 10,
    SetTimeouts: 12,
    Flush: 17,
}
GET_DAEMON: Final = 11
GET_CONFIG: Final = 13

SERVICE: Final = 1
DEST: Final = 2
DAEMON: Final = 3
_TIMEOUTS: Final = {"tcp": 4, "tcpfin": 5, "udp": 6}

_SERVICE_AF: Final = 1
_SERVICE_PROTOCOL: Final = 2
_SERVICE_ADDR: Final = 3
_SERVICE_PORT: Final = 4
_SERVICE_FWMARK: Final = 5
_SERVICE_SCHEDULER: Final = 6
_SERVICE_FLAGS: Final = 7
_SERVICE_TIMEOUT: Final = 8
_SERVICE_NETMASK: Final = 9
SERVICE_STATS: Final = 10
_SERVICE_PE: Final = 11
_SERVICE_STATS64: Final = 12

_DEST_ADDR: Final = 1
_DEST_PORT: Final = 2
_DEST_FORWARDING: Final = 3
_DEST_WEIGHT: Final = 4
_DEST_UPPER: Final = 5
_DEST_LOWER: Final = 6
DEST_ACTIVE: Final = 7
_DEST_INACTIVE: Final = 8
_DEST_STATS: Final = 10
_DEST_FAMILY: Final = 11
_DEST_STATS64: Final = 12
_DEST_TUN_TYPE: Final = 13
_DEST_TUN_PORT: Final = 14
_DEST_TUN_FLAGS: Final = 15

_DAEMON_STATE: Final = 1
_DAEMON_INTERFACE: Final = 2
_DAEMON_ID: Final = 3
_DAEMON_MAXLEN: Final = 4
_DAEMON_GROUP: Final = 5
_DAEMON_GROUP6: Final = 6
_DAEMON_PORT: Final = 7
_DAEMON_TTL: Final = 8

_HASHED: Final = 0x2
"""A flag that the kernel keeps for itself."""
_FORWARDING_MASK: Final = 0x7
_IPV6_HOST: Final = 128

_U8: Final = Struct("=B")
_U16: Final = Struct("=H")
_U32: Final = Struct("=I")
_PORT: Final = Struct("!H")
_FLAGS: Final = Struct("=II")
_NUMBERS: Final = Struct("=HHIHHIHHIHHI")
"""Four attributes of 32 bits each."""
_IPIP: Final = Tunnel(type=TunnelType.IPIP)

_DETAILS: Final = {
    errno.ESRCH: "no such service",
    errno.ERANGE: "weight or thresholds out of range",
}
_SYNC_DETAILS: Final = {
    errno.ENODEV: "there is no such interface",
    errno.EEXIST: "it runs already, with other settings",
    errno.EINVAL: "not together with a tunnel to the other address family",
    errno.EADDRNOTAVAIL: "the interface has no address",
}


def describe(operation: Operation) -> str:
    """The operation in words, for errors and recordings."""
    match operation:
        case AddService(service):
            return f"add service {service.key} ({service.scheduler})"
        case SetService(service):
            return f"change service {service.key} ({service.scheduler})"
        case RemoveService(key):
            return f"remove service {key}"
        case AddDestination(key, destination):
            return f"add destination {destination.endpoint} to {key}, weight {destination.weight}"
        case SetDestination(key, destination):
            return f"change destination {destination.endpoint} of {key}, weight {destination.weight}"
        case RemoveDestination(key, endpoint):
            return f"remove destination {endpoint} of {key}"
        case Flush():
            return "empty the table"
        case SetTimeouts():
            return "set the time-outs"
        case StartSync(role, daemon):
            return f"start the {role.name.lower()} of the connection synchronisation on {daemon.interface}"
        case StopSync(role):
            return f"stop the {role.name.lower()} of the connection synchronisation"
        case _:
            assert_never(operation)


def explained(operation: Operation, error: KernelError) -> KernelError:
    """The same refusal with what errno means to IPVS, where that is not what its usual text says."""
    detail = _DETAILS.get(error.errno)
    if isinstance(operation, StartSync):
        detail = _SYNC_DETAILS.get(error.errno)
    elif error.errno == errno.ENOENT:
        match operation:
            case AddService(service) | SetService(service):
                detail = f"no scheduler {service.scheduler}: is there a module ip_vs_{service.scheduler}?"
                if service.persistence_engine:
                    detail += f" Or no persistence engine {service.persistence_engine}"
            case _:
                detail = "no such destination"
    return error if detail is None else kernel_error(error.errno, error.operation, detail)


def encode(operation: Operation) -> bytes:
    """The body of the request: generic netlink header and attributes."""
    header = GENL_HEADER.pack(_COMMANDS[type(operation)], 1, 0)
    match operation:
        case AddService(service) | SetService(service):
            return header + attribute(SERVICE, encode_service(service))
        case RemoveService(key):
            return header + attribute(SERVICE, encode_key(key))
        case AddDestination(key, destination) | SetDestination(key, destination):
            return header + attribute(SERVICE, encode_key(key)) + attribute(DEST, encode_destination(key, destination))
        case RemoveDestination(key, endpoint):
            return header + attribute(SERVICE, encode_key(key)) + attribute(DEST, _encode_endpoint(key, endpoint))
        case Flush():
            return header
        case SetTimeouts(timeouts):
            return header + b"".join(
                attribute(kind, _U32.pack(getattr(timeouts, name))) for name, kind in _TIMEOUTS.items()
            )
        case StartSync(role, daemon):
            return header + attribute(DAEMON, encode_sync(role, daemon))
        case StopSync(role):
            return header + attribute(DAEMON, attribute(_DAEMON_STATE, _U32.pack(role)))
        case _:
            assert_never(operation)


def encode_key(key: ServiceKey) -> bytes:
    """The attributes that identify a service."""
    parts = attribute(_SERVICE_AF, _U16.pack(key.family))
    if key.endpoint is None or key.protocol is None:
        return parts + attribute(_SERVICE_FWMARK, _U32.pack(key.fwmark))
    return (
        parts
        + attribute(_SERVICE_PROTOCOL, _U16.pack(key.protocol))
        + attribute(_SERVICE_ADDR, key.endpoint.address.packed)
        + attribute(_SERVICE_PORT, _PORT.pack(key.endpoint.port))
    )


def encode_service(service: Service) -> bytes:
    mask = service.netmask
    if service.key.family == AF_INET:
        netmask = mask.packed if isinstance(mask, IPv4Address) else ALL_ONES.packed
    else:
        netmask = _U32.pack(mask if isinstance(mask, int) else _IPV6_HOST)
    parts = (
        encode_key(service.key)
        + attribute(_SERVICE_SCHEDULER, service.scheduler.encode() + b"\0")
        + attribute(_SERVICE_FLAGS, _FLAGS.pack(service.flags, 0xFFFFFFFF))
        + attribute(_SERVICE_TIMEOUT, _U32.pack(service.timeout))
        + attribute(_SERVICE_NETMASK, netmask)
    )
    if service.persistence_engine is not None:
        parts += attribute(_SERVICE_PE, service.persistence_engine.encode() + b"\0")
    return parts


def encode_destination(key: ServiceKey, destination: Destination) -> bytes:
    parts = _encode_endpoint(key, destination.endpoint) + _NUMBERS.pack(
        8,
        _DEST_FORWARDING,
        destination.forwarding,
        8,
        _DEST_WEIGHT,
        destination.weight,
        8,
        _DEST_UPPER,
        destination.upper_threshold,
        8,
        _DEST_LOWER,
        destination.lower_threshold,
    )
    if destination.forwarding == Forwarding.TUN:
        # Said for ipip, too: an edit that leaves it out would leave the old type.
        tunnel = destination.tunnel or _IPIP
        parts += attribute(_DEST_TUN_TYPE, _U8.pack(tunnel.type)) + attribute(_DEST_TUN_PORT, _PORT.pack(tunnel.port))
        parts += attribute(_DEST_TUN_FLAGS, _U16.pack(tunnel.checksum))
    return parts


def encode_sync(role: SyncRole, daemon: SyncDaemon) -> bytes:
    parts = (
        attribute(_DAEMON_STATE, _U32.pack(role))
        + attribute(_DAEMON_INTERFACE, daemon.interface.encode() + b"\0")
        + attribute(_DAEMON_ID, _U32.pack(daemon.id or 0))
    )
    if daemon.maxlen is not None:
        parts += attribute(_DAEMON_MAXLEN, _U16.pack(daemon.maxlen))
    if daemon.group is not None:
        kind = _DAEMON_GROUP if family(daemon.group) == AF_INET else _DAEMON_GROUP6
        parts += attribute(kind, daemon.group.packed)
    if daemon.port is not None:
        parts += attribute(_DAEMON_PORT, _U16.pack(daemon.port))
    if daemon.ttl is not None:
        parts += attribute(_DAEMON_TTL, _U8.pack(daemon.ttl))
    return parts


def decode_sync(raw: Mapping[int, bytes]) -> tuple[SyncRole, SyncDaemon]:
    """One of the daemons that run."""
    group: Address | None = IPv4Address(raw[_DAEMON_GROUP]) if _DAEMON_GROUP in raw else None
    if _DAEMON_GROUP6 in raw:
        group = IPv6Address(raw[_DAEMON_GROUP6])
    return SyncRole(_U32.unpack(raw[_DAEMON_STATE])[0]), SyncDaemon(
        interface=_text(raw[_DAEMON_INTERFACE]),
        id=_U32.unpack(raw[_DAEMON_ID])[0],
        maxlen=_U16.unpack(raw[_DAEMON_MAXLEN])[0] if _DAEMON_MAXLEN in raw else None,
        port=_U16.unpack(raw[_DAEMON_PORT])[0] if _DAEMON_PORT in raw else None,
        ttl=_U8.unpack(raw[_DAEMON_TTL])[0] if _DAEMON_TTL in raw else None,
        group=group,
    )


def decode_timeouts(raw: Mapping[int, bytes]) -> IpvsTimeouts:
    return IpvsTimeouts(**{name: _U32.unpack(raw[kind])[0] for name, kind in _TIMEOUTS.items() if kind in raw})


def _encode_endpoint(key: ServiceKey, endpoint: Endpoint) -> bytes:
    parts = attribute(_DEST_ADDR, endpoint.address.packed) + attribute(_DEST_PORT, _PORT.pack(endpoint.port))
    own = family(endpoint.address)
    # Kernels before 3.18 do not know the attribute; nor do they have tunnels to the other family.
    return parts if own == key.family else parts + attribute(_DEST_FAMILY, _U16.pack(own))


def decode_service(raw: Mapping[int, bytes]) -> ServiceState | None:
    """One service of a dump; None for a protocol that no virtual server can have."""
    number: int = _U16.unpack(raw[_SERVICE_AF])[0]
    if _SERVICE_FWMARK in raw:
        key = ServiceKey(number, None, None, _U32.unpack(raw[_SERVICE_FWMARK])[0])
    else:
        try:
            protocol = Protocol(_U16.unpack(raw[_SERVICE_PROTOCOL])[0])
        except ValueError:
            return None
        port: int = _PORT.unpack(raw[_SERVICE_PORT])[0]
        key = ServiceKey(number, protocol, Endpoint(_address(number, raw[_SERVICE_ADDR]), port))
    flags: int = _FLAGS.unpack(raw[_SERVICE_FLAGS])[0] & ~_HASHED
    persistent = bool(flags & ServiceFlag.PERSISTENT)
    service = Service(
        key=key,
        scheduler=_text(raw[_SERVICE_SCHEDULER]),
        flags=flags,
        # As `service_of` has it: what only persistence uses does not count without it.
        timeout=_U32.unpack(raw[_SERVICE_TIMEOUT])[0] if persistent else 0,
        netmask=_netmask(number, raw[_SERVICE_NETMASK]) if persistent else None,
        persistence_engine=_text(raw[_SERVICE_PE]) if persistent and _SERVICE_PE in raw else None,
    )
    return ServiceState(service=service, traffic=_traffic(raw.get(_SERVICE_STATS64), raw.get(SERVICE_STATS)))


def decode_destination(raw: Mapping[int, bytes], service_family: int) -> DestinationState:
    """One destination of a dump."""
    number: int = _U16.unpack(raw[_DEST_FAMILY])[0] if _DEST_FAMILY in raw else service_family
    port: int = _PORT.unpack(raw[_DEST_PORT])[0]

    def u32(kind: int) -> int:
        value: int = _U32.unpack(raw[kind])[0]
        return value

    return DestinationState(
        destination=Destination(
            endpoint=Endpoint(_address(number, raw[_DEST_ADDR]), port),
            forwarding=u32(_DEST_FORWARDING) & _FORWARDING_MASK,
            weight=u32(_DEST_WEIGHT),
            upper_threshold=u32(_DEST_UPPER),
            lower_threshold=u32(_DEST_LOWER),
            tunnel=_tunnel(raw),
        ),
        active_connections=u32(DEST_ACTIVE),
        inactive_connections=u32(_DEST_INACTIVE),
        traffic=_traffic(raw.get(_DEST_STATS64), raw.get(_DEST_STATS)),
    )


def _tunnel(raw: Mapping[int, bytes]) -> Tunnel | None:
    """None for ipip, which is all that kernels before 5.2 have, and where it is no tunnel."""
    number = _U8.unpack(raw[_DEST_TUN_TYPE])[0] if _DEST_TUN_TYPE in raw else TunnelType.IPIP
    if number == TunnelType.IPIP or _U32.unpack(raw[_DEST_FORWARDING])[0] & _FORWARDING_MASK != Forwarding.TUN:
        return None
    flags = _U16.unpack(raw[_DEST_TUN_FLAGS])[0] if _DEST_TUN_FLAGS in raw else 0
    port = _PORT.unpack(raw[_DEST_TUN_PORT])[0] if _DEST_TUN_PORT in raw else 0
    return Tunnel(type=TunnelType(number), port=port, checksum=TunnelChecksum(flags))


def _address(number: int, raw: bytes) -> Address:
    return IPv4Address(raw[:4]) if number == AF_INET else IPv6Address(raw[:16])


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode(errors="replace")


def _netmask(number: int, raw: bytes) -> IPv4Address | int | None:
    if number == AF_INET:
        mask = IPv4Address(raw[:4])
        return None if mask == ALL_ONES else mask
    length: int = _U32.unpack(raw)[0]
    return None if length == _IPV6_HOST else length


def _traffic(stats64: bytes | None, stats: bytes | None) -> Traffic:
    """Connections, packets in and out, bytes in and out: attributes 1 to 5, of 8 bytes where Linux has them (4.1)."""
    raw = attributes(stats64 if stats64 is not None else stats or b"")
    numbers = [int.from_bytes(raw.get(kind, b""), byteorder) for kind in range(1, 6)]
    return Traffic(
        connections=numbers[0],
        in_packets=numbers[1],
        out_packets=numbers[2],
        in_bytes=numbers[3],
        out_bytes=numbers[4],
    )
