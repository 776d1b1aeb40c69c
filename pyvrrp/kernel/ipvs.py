"""IPVS over generic netlink: its table, its time-outs and its synchronisation daemons."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from sys import byteorder
from typing import Final

from pyvrrp.core.lvs.ipvs_settings import Settings, StopSync
from pyvrrp.core.lvs.ipvs_table import (
    AddDestination,
    AddService,
    Destination,
    DestinationState,
    Dump,
    Operation,
    RemoveDestination,
    RemoveService,
    Service,
    ServiceState,
    SetDestination,
    SetService,
    Table,
)
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel import ipvs_messages as ip_vs
from pyvrrp.kernel.ipvs_decoder import Decoder
from pyvrrp.kernel.netlink import NETLINK_GENERIC, Message, Monitor, Netlink, attribute, attributes
from pyvrrp.kernel.netns import visit
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import ServiceKey

_CTRL: Final = 0x10
_CTRL_NEWFAMILY: Final = 1
_CTRL_DELFAMILY: Final = 2
_CTRL_GETFAMILY: Final = 3
_CTRL_GROUP: Final = 1 << 15
"""The group "notify" of the controller, whose number is the controller's own."""
_CTRL_FAMILY_ID: Final = 1
_CTRL_FAMILY_NAME: Final = 2

_ABSENT: Final = (
    "this kernel has no IPVS. Load it with `modprobe ip_vs` (in a container: on the host); "
    "the module comes with the distribution's full kernel package"
)
_GONE: Final = "its module was unloaded; `modprobe ip_vs` loads it again"
_NAME: Final = b"IPVS\0"
_SPARE: Final = 1000
"""Entries that may be remembered beyond those there are."""
_MODPROBE_SECONDS: Final = 10
_SBIN: Final = "/usr/sbin:/sbin:/usr/bin:/bin"


class LinuxIpvs:
    """IPVS of the network namespace `place` (a path), or of the one in which `ready` is called first."""

    def __init__(self, place: str | None = None) -> None:
        self._place = place
        self._decoder = Decoder()
        self._netlink: Netlink | None = None
        self._monitor: Monitor | None = None
        self._changed: Callable[[KernelError | None], None] = lambda gone: None
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

    def watch(self, changed: Callable[[KernelError | None], None]) -> int:
        """See `kernel.api.Ipvs`. What comes and goes is told in all network namespaces."""
        self._changed = changed
        with visit(self._place):
            self._monitor = Monitor(NETLINK_GENERIC, _CTRL_GROUP)
        return self._monitor.fileno()

    def read(self) -> None:
        """See `kernel.api.Ipvs`."""
        if self._monitor is None:
            return
        announced, lost = self._monitor.read()
        for kind, body in announced:
            if kind != _CTRL or attributes(body, ip_vs.GENL_HEADER.size).get(_CTRL_FAMILY_NAME) != _NAME:
                continue
            if body[0] == _CTRL_NEWFAMILY:
                self._changed(None)
            elif body[0] == _CTRL_DELFAMILY:
                self._changed(KernelError(errno.ENOENT, "use ipvs", KernelFault.UNSUPPORTED, _GONE))
        if lost:
            self._changed(None)

    def apply(self, operations: Sequence[Operation]) -> list[tuple[Operation, KernelError]]:
        """See `kernel.api.Ipvs`. Removing what is absent succeeds, adding what is present changes it."""
        refused: list[tuple[Operation, KernelError]] = []
        again: list[Operation] = []
        for operation, error in self._transact(operations):
            match operation:
                case RemoveService() | RemoveDestination() | StopSync() if error.fault is KernelFault.ABSENT:
                    continue
                case AddService(service) if error.fault is KernelFault.PRESENT:
                    again.append(SetService(service))
                case AddDestination(key, destination) if error.fault is KernelFault.PRESENT:
                    again.append(SetDestination(key, destination))
                case _:
                    refused.append((operation, error))
        return refused + (self._transact(again) if again else [])

    def dump(self, keys: Iterable[ServiceKey]) -> Dump:
        """See `kernel.api.Ipvs`."""
        found: dict[ServiceKey, tuple[ServiceState, dict[Endpoint, DestinationState]]] = {}
        for key in keys:
            body = self._service(key)
            if body is None or (state := ip_vs.decode_service(_inner(body, ip_vs.SERVICE))) is None:
                continue
            # The kernel tells the newest first.
            several = (
                ip_vs.decode_destination(_inner(raw, ip_vs.DEST), key.family)
                for raw in reversed(self._destinations(key))
            )
            found[key] = (state, {one.destination.endpoint: one for one in several})
        return found

    def table(self, keys: Iterable[ServiceKey] | None = None) -> Table:
        """See `kernel.api.Ipvs`."""
        found: dict[ServiceKey, tuple[Service, dict[Endpoint, Destination]]] = {}
        decoder = self._decoder
        for body in self._dump(ip_vs.GET_SERVICE, b"") if keys is None else map(self._service, keys):
            if body is None or (service := decoder.service(body)) is None:
                continue
            key = service.key
            several = (decoder.destination(raw, key.family) for raw in reversed(self._destinations(key)))
            found[key] = (service, {one.endpoint: one for one in several})
        if len(decoder) > _SPARE + 2 * sum(1 + len(several) for _, several in found.values()) and keys is None:
            decoder.forget()
        return found

    def settings(self) -> Settings:
        """See `kernel.api.Ipvs`."""
        (answer,) = self._get(ip_vs.GET_CONFIG, b"", "read the time-outs of IPVS")
        daemons = dict(ip_vs.decode_sync(_inner(body, ip_vs.DAEMON)) for body in self._dump(ip_vs.GET_DAEMON, b""))
        return Settings(timeouts=ip_vs.decode_timeouts(attributes(answer, ip_vs.GENL_HEADER.size)), daemons=daemons)

    def close(self) -> None:
        """Give the sockets back; the table stays as it is."""
        for socket in (self._netlink, self._monitor):
            if socket is not None:
                socket.close()
        self._netlink = self._monitor = None

    def _socket(self) -> Netlink:
        if self._netlink is None:
            with visit(self._place):
                self._netlink = Netlink(NETLINK_GENERIC)
        return self._netlink

    def _find(self) -> int:
        """The number of the generic netlink family; KernelError(ABSENT) without the module."""
        body = ip_vs.GENL_HEADER.pack(_CTRL_GETFAMILY, 1, 0) + attribute(_CTRL_FAMILY_NAME, _NAME)
        (answer,) = self._socket().get(_CTRL, 0, body, "look for IPVS")
        number = attributes(answer, ip_vs.GENL_HEADER.size)[_CTRL_FAMILY_ID]
        return int.from_bytes(number, byteorder)

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

    def _destinations(self, key: ServiceKey) -> list[bytes]:
        return self._dump(ip_vs.GET_DEST, attribute(ip_vs.SERVICE, ip_vs.encode_key(key)))

    def _dump(self, command: int, body: bytes) -> list[bytes]:
        """The bodies of all answers."""
        request = ip_vs.GENL_HEADER.pack(command, 1, 0) + body
        return self._socket().dump(self._known_family(), 0, request, "read the IPVS table")

    def _service(self, key: ServiceKey) -> bytes | None:
        """The body of the answer about one service; None if there is none."""
        try:
            (answer,) = self._get(
                ip_vs.GET_SERVICE, attribute(ip_vs.SERVICE, ip_vs.encode_key(key)), "read the IPVS table"
            )
        except KernelError as error:
            if error.fault is KernelFault.ABSENT:
                return None
            raise
        return answer

    def _get(self, command: int, body: bytes, operation: str) -> list[bytes]:
        """The bodies of the answers to a request that is no dump."""
        request = ip_vs.GENL_HEADER.pack(command, 1, 0) + body
        return self._socket().get(self._known_family(), 0, request, operation)

    def _known_family(self) -> int:
        if not self._family:
            self.ready()
        return self._family

    def _transact(self, operations: Sequence[Operation]) -> list[tuple[Operation, KernelError]]:
        number = self._known_family()
        messages: list[Message] = [(number, 0, ip_vs.encode(operation)) for operation in operations]
        refused = self._socket().transact(messages, lambda index: ip_vs.describe(operations[index]))
        return [(operations[index], ip_vs.explained(operations[index], error)) for index, error in refused]


def _inner(body: bytes, kind: int) -> dict[int, bytes]:
    """The attributes of what the answer is about."""
    return attributes(attributes(body, ip_vs.GENL_HEADER.size)[kind])
