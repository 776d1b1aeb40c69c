"""IPVS over generic netlink (linux/ip_vs.h), for what `plan` asks for and for the two dumps.

Byte orders are mixed: ports and the IPv4 netmask travel in network order, everything else (the IPv6
prefix length included) in the host's.
"""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from struct import Struct
from sys import byteorder
from typing import Final, assert_never

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
    Table,
)
from pyvrrp.core.lvs.snapshot import Traffic
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.netlink import NETLINK_GENERIC, Message, Netlink, attribute, attributes
from pyvrrp.kernel.refusals import kernel_error
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Protocol, ServiceFlag, ServiceKey
from pyvrrp.net import AF_INET, Address, family

_GENL_HEADER: Final = Struct("=BBH")
_CTRL: Final = 0x10
_CTRL_GETFAMILY: Final = 3
_CTRL_FAMILY_ID: Final = 1
_CTRL_FAMILY_NAME: Final = 2

_GET_SERVICE: Final = 4
_GET_DEST: Final = 8
_COMMANDS: Final[Mapping[type[Operation], int]] = {
    AddService: 1,
    SetService: 2,
    RemoveService: 3,
    AddDestination: 5,
    SetDestination: 6,
    RemoveDestination: 7,
    Flush: 17,
}

_SERVICE: Final = 1
_DEST: Final = 2

_SERVICE_AF: Final = 1
_SERVICE_PROTOCOL: Final = 2
_SERVICE_ADDR: Final = 3
_SERVICE_PORT: Final = 4
_SERVICE_FWMARK: Final = 5
_SERVICE_SCHEDULER: Final = 6
_SERVICE_FLAGS: Final = 7
_SERVICE_TIMEOUT: Final = 8
_SERVICE_NETMASK: Final = 9
_SERVICE_STATS: Final = 10
_SERVICE_PE: Final = 11
_SERVICE_STATS64: Final = 12

_DEST_ADDR: Final = 1
_DEST_PORT: Final = 2
_DEST_FORWARDING: Final = 3
_DEST_WEIGHT: Final = 4
_DEST_UPPER: Final = 5
_DEST_LOWER: Final = 6
_DEST_ACTIVE: Final = 7
_DEST_INACTIVE: Final = 8
_DEST_STATS: Final = 10
_DEST_FAMILY: Final = 11
_DEST_STATS64: Final = 12

_HASHED: Final = 0x2
"""A flag that the kernel keeps for itself."""
_FORWARDING_MASK: Final = 0x7
_IPV6_HOST: Final = 128

_U16: Final = Struct("=H")
_U32: Final = Struct("=I")
_PORT: Final = Struct("!H")
_FLAGS: Final = Struct("=II")

_ABSENT: Final = (
    "this kernel has no IPVS. Load it with `modprobe ip_vs` (in a container: on the host); "
    "the module comes with the distribution's full kernel package"
)
_MODPROBE_SECONDS: Final = 10
_SBIN: Final = "/usr/sbin:/sbin:/usr/bin:/bin"

_DETAILS: Final = {
    errno.ESRCH: "no such service",
    errno.ERANGE: "weight or thresholds out of range",
}


class LinuxIpvs:
    """The table of the network namespace in which `ready` is called first."""

    def __init__(self) -> None:
        self._netlink: Netlink | None = None
        self._family = 0
        self._tried_modprobe = False

    def ready(self) -> None:
        """Find IPVS, loading its module if need be (tried once); KernelError(UNSUPPORTED) says what to do."""
        # Asked for anew each time: a module that was unloaded and loaded again has another number.
        try:
            self._family = self._find()
        except KernelError as missing:
            if missing.fault is not KernelFault.ABSENT:
                raise
            self._load_module()
            try:
                self._family = self._find()
            except KernelError as error:
                raise KernelError(error.errno, "initialize ipvs", KernelFault.UNSUPPORTED, _ABSENT) from error

    def apply(self, operations: Sequence[Operation]) -> list[tuple[Operation, KernelError]]:
        """See `kernel.api.Ipvs`. Removing what is absent succeeds, adding what is present changes it."""
        refused: list[tuple[Operation, KernelError]] = []
        again: list[Operation] = []
        for operation, error in self._transact(operations):
            match operation:
                case RemoveService() | RemoveDestination() if error.fault is KernelFault.ABSENT:
                    continue
                case AddService(service) if error.fault is KernelFault.PRESENT:
                    again.append(SetService(service))
                case AddDestination(key, destination) if error.fault is KernelFault.PRESENT:
                    again.append(SetDestination(key, destination))
                case _:
                    refused.append((operation, error))
        return refused + (self._transact(again) if again else [])

    def dump(self) -> Mapping[ServiceKey, tuple[ServiceState, Mapping[Endpoint, DestinationState]]]:
        """All services of TCP, UDP, SCTP and marks, with statistics. Services of other protocols cannot be ours."""
        found: dict[ServiceKey, tuple[ServiceState, Mapping[Endpoint, DestinationState]]] = {}
        for raw in self._dump(_GET_SERVICE, b"", _SERVICE):
            if (state := decode_service(raw)) is None:
                continue
            key = state.service.key
            destinations = [
                decode_destination(raw, key.family)
                for raw in self._dump(_GET_DEST, attribute(_SERVICE, encode_key(key)), _DEST)
            ]
            # The kernel tells the newest first.
            found[key] = (state, {state.destination.endpoint: state for state in reversed(destinations)})
        return found

    def table(self) -> Table:
        """See `kernel.api.Ipvs`."""
        return {
            key: (state.service, {endpoint: state.destination for endpoint, state in destinations.items()})
            for key, (state, destinations) in self.dump().items()
        }

    def close(self) -> None:
        """Give the socket back; the table stays as it is."""
        if self._netlink is not None:
            self._netlink.close()
            self._netlink = None

    def _socket(self) -> Netlink:
        if self._netlink is None:
            self._netlink = Netlink(NETLINK_GENERIC)
        return self._netlink

    def _find(self) -> int:
        """The number of the generic netlink family; KernelError(ABSENT) without the module."""
        body = _GENL_HEADER.pack(_CTRL_GETFAMILY, 1, 0) + attribute(_CTRL_FAMILY_NAME, b"IPVS\0")
        (answer,) = self._socket().get(_CTRL, 0, body, "look for IPVS")
        number: int = _U16.unpack(attributes(answer, _GENL_HEADER.size)[_CTRL_FAMILY_ID])[0]
        return number

    def _load_module(self) -> None:
        modprobe = None if self._tried_modprobe else shutil.which("modprobe", path=_SBIN)
        self._tried_modprobe = True
        if modprobe is not None:
            # Whether it helped is seen by looking again; its own complaint would only confuse.
            try:
                subprocess.run(
                    [modprobe, "-q", "ip_vs"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=_MODPROBE_SECONDS,
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired):
                return

    def _dump(self, command: int, body: bytes, kind: int) -> list[dict[int, bytes]]:
        """The attributes of each service or destination."""
        bodies = self._socket().dump(
            self._known_family(), 0, _GENL_HEADER.pack(command, 1, 0) + body, "read the IPVS table"
        )
        return [attributes(attributes(body, _GENL_HEADER.size)[kind]) for body in bodies]

    def _known_family(self) -> int:
        if not self._family:
            self.ready()
        return self._family

    def _transact(self, operations: Sequence[Operation]) -> list[tuple[Operation, KernelError]]:
        number = self._known_family()
        messages: list[Message] = [(number, 0, encode(operation)) for operation in operations]
        refused = self._socket().transact(messages, lambda index: describe(operations[index]))
        return [(operations[index], explained(operations[index], error)) for index, error in refused]


def describe(operation: Operation) -> str:
    """The operation in words, for errors."""
    match operation:
        case AddService(service):
            return f"add service {service.key} ({service.scheduler})"
        case SetService(service):
            return f"change service {service.key} ({service.scheduler})"
        case RemoveService(key):
            return f"remove service {key}"
        case AddDestination(key, destination):
            return f"add destination {destination.endpoint} to {key}"
        case SetDestination(key, destination):
            return f"change destination {destination.endpoint} of {key}"
        case RemoveDestination(key, endpoint):
            return f"remove destination {endpoint} of {key}"
        case Flush():
            return "empty the table"
        case _:
            assert_never(operation)


def explained(operation: Operation, error: KernelError) -> KernelError:
    """The same refusal with what errno means to IPVS, where that is not what its usual text says."""
    detail = _DETAILS.get(error.errno)
    if error.errno == errno.ENOENT:
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
    header = _GENL_HEADER.pack(_COMMANDS[type(operation)], 1, 0)
    match operation:
        case AddService(service) | SetService(service):
            return header + attribute(_SERVICE, encode_service(service))
        case RemoveService(key):
            return header + attribute(_SERVICE, encode_key(key))
        case AddDestination(key, destination) | SetDestination(key, destination):
            return (
                header + attribute(_SERVICE, encode_key(key)) + attribute(_DEST, encode_destination(key, destination))
            )
        case RemoveDestination(key, endpoint):
            return header + attribute(_SERVICE, encode_key(key)) + attribute(_DEST, _encode_endpoint(key, endpoint))
        case Flush():
            return header
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
    return (
        _encode_endpoint(key, destination.endpoint)
        + attribute(_DEST_FORWARDING, _U32.pack(destination.forwarding))
        + attribute(_DEST_WEIGHT, _U32.pack(destination.weight))
        + attribute(_DEST_UPPER, _U32.pack(destination.upper_threshold))
        + attribute(_DEST_LOWER, _U32.pack(destination.lower_threshold))
    )


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
    return ServiceState(service=service, traffic=_traffic(raw.get(_SERVICE_STATS64), raw.get(_SERVICE_STATS)))


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
        ),
        active_connections=u32(_DEST_ACTIVE),
        inactive_connections=u32(_DEST_INACTIVE),
        traffic=_traffic(raw.get(_DEST_STATS64), raw.get(_DEST_STATS)),
    )


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
