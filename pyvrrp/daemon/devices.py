"""The devices of instances' own, and the kernel's settings for them: made, kept and undone.

Loaded only where a configuration has such devices. They are there in every state, so that mastership moves addresses
only; they go at the end of the daemon, not of a worker: its successor finds them and goes on with them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from ipaddress import ip_interface
from typing import Final

from pyvrrp.core.log import Level
from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.core.vrrp.snapshot import DeviceSnapshot
from pyvrrp.core.vrrp.surroundings import choose_source
from pyvrrp.core.vrrp.vmacs import borrowed_settings, fits, own_settings, settle
from pyvrrp.daemon.role import Host
from pyvrrp.errors import KernelError, KernelFault
from pyvrrp.kernel.ledger import LinuxLedger
from pyvrrp.kernel.sysctl import LinuxSysctls
from pyvrrp.kernel.vmacs import LinuxVmacs
from pyvrrp.model.config import Config
from pyvrrp.model.vmac import Kind, Vmac
from pyvrrp.net import Address, Interface

_SETTLING: Final = 1.0
"""Seconds that a new device may take until its link is up; its parent's is."""
_ALL: Final = "net/ipv4/conf/all/rp_filter"
_KINDS: Final = frozenset(kind.value for kind in Kind)


class Devices:
    """What is wanted against what is there. `again` is told a device whose true state counts from now on."""

    def __init__(self, host: Host, again: Callable[[str], None]) -> None:
        self._vmacs = LinuxVmacs()
        self._sysctls = LinuxSysctls()
        self._ledger = LinuxLedger()
        self._host = host
        self._again = again
        self._config = Config()
        self._wanted: dict[str, Vmac] = {}
        self._made: dict[str, None] = {}
        self._originals: dict[str, str] = {}
        """What stood in a setting before us."""
        self._lent: dict[str, Interface] = {}
        """Addresses to advertise from, by device."""
        self._settling: set[str] = set()
        self._refused: set[str] = set()
        """Devices of which it was said that they cannot be made."""
        self._inherit()

    def _inherit(self) -> None:
        """Undo in the end what a daemon that was killed with all its processes has done."""
        try:
            left = self._ledger.inherit()
        except KernelError as error:
            self._say(error)
            return
        present = self._vmacs.dump()
        for what, before in left.items():
            if "/" in what:
                self._originals[what] = before
            elif what in present and present[what].kind in _KINDS:
                self._made[what] = None
            else:
                self._ledger.strike(what)
        if left:
            text = f"taken over from a process that was killed: {', '.join(left)}"
            self._host.log(Level.NOTICE, text)

    def resume(self, previous: DeviceSnapshot) -> None:
        """The same of a worker that died."""
        self._made |= dict.fromkeys(previous.made)
        self._originals = dict(previous.sysctls) | self._originals

    def configure(self, config: Config) -> Config:
        """Make what is wanted; the configuration with the names that it has got. `tidy` follows."""
        present = self._vmacs.dump()
        old = self._wanted
        self._config = config = settle(config, {n: f for n, f in present.items() if n not in self._made or n in old})
        self._wanted = {vmac.name: vmac for instance in config.vrrp_instances for vmac in instance.vmacs}
        self._borrow()
        for vmac in self._wanted.values():
            self._ensure(vmac)
        return config

    def tidy(self) -> None:
        """Remove what is not wanted any more: those that lived there have said goodbye."""
        if leaving := self._leaving():
            for name in leaving:
                self._remove(name)
            for name, vmac in self._wanted.items():
                if name not in self._made:
                    self._ensure(vmac)

    def _leaving(self) -> list[str]:
        return [name for name in self._made if name not in self._wanted]

    @property
    def made(self) -> frozenset[str]:
        """Devices that are there."""
        return frozenset(self._made)

    @property
    def lent(self) -> frozenset[tuple[Address, str]]:
        """Addresses borrowed from parents, and where."""
        return frozenset((address.ip, name) for name, address in self._lent.items() if address.ip.is_link_local)

    def snapshot(self) -> DeviceSnapshot:
        return DeviceSnapshot(made=tuple(self._made), sysctls=tuple(self._originals.items()))

    def stop(self) -> None:
        """Leave the kernel as it was found."""
        self._wanted = {}
        for name in list(self._made):
            self._remove(name)
        for path in list(self._originals):
            self._restore(path)

    def noticed(self, name: str, facts: InterfaceFacts | None) -> bool:
        """A device changed or went (None). True: it is one of ours, it has been put back, and nobody need know."""
        if facts is None:
            self._lent.pop(name, None)
            for path in [path for path in self._originals if f"/conf/{name}/" in path]:
                del self._originals[path]
                self._record(path, None)
        vmac = self._wanted.get(name)
        if vmac is not None and (facts is None or self._going(name, facts)):
            self._made.pop(name, None)
            return self._ensure(vmac, again=True)
        if facts is None:
            return False
        on_it = [vmac for vmac in self._wanted.values() if vmac.parent == name]
        if on_it:
            self._borrow()
        for vmac in on_it:
            if vmac.name not in self._made:
                self._ensure(vmac)
        return False

    def _going(self, name: str, facts: InterfaceFacts) -> bool:
        """A device that is deleted is said to be down first."""
        if facts.up or name in self._settling:
            return False
        found = self._vmacs.dump().get(name)
        return found is None or found.index != facts.index

    def seen(self, name: str, facts: InterfaceFacts, interfaces: Mapping[str, InterfaceFacts]) -> InterfaceFacts:
        """The facts; a device that was made a moment ago is up as its parent is, whatever was said before it was."""
        if facts.up or name not in self._settling:
            return facts
        parent = interfaces.get(self._wanted[name].parent) if name in self._wanted else None
        return replace(facts, up=parent is not None and parent.up)

    def lend(self, interfaces: Mapping[str, InterfaceFacts], virtual: Collection[Address]) -> None:
        """Give devices the addresses that advertisements come from: over IPv6 that is the parent's link-local one."""
        for instance in self._config.vrrp_instances:
            vmac = instance.vmac
            if vmac is None or vmac.name not in self._made:
                continue
            if vmac.address is not None:
                self._lend(vmac.name, vmac.address, preferred=True)
            elif instance.family == 6 and vmac.kind is Kind.MACVLAN and not instance.vmac_xmit_base:
                source = choose_source(instance, interfaces, virtual)
                if source is not None:
                    self._lend(vmac.name, _on_link(source), preferred=False)

    def _lend(self, name: str, address: Interface, *, preferred: bool) -> None:
        old = self._lent.get(name)
        if old == address:
            return
        try:
            if old is not None:
                self._vmacs.remove_address(name, old)
            self._vmacs.add_address(name, address, preferred=preferred)
        except KernelError as error:
            self._say(error)
        else:
            self._lent[name] = address

    def _ensure(self, vmac: Vmac, *, again: bool = False) -> bool:
        """Have it there and up; False where that cannot be."""
        name = vmac.name
        try:
            present = self._vmacs.dump()
            parent, found = present.get(vmac.parent), present.get(name)
            if parent is None:
                return False
            if found is not None and not fits(vmac, found):
                self._vmacs.remove(name)
                found = None
            if found is None:
                self._record(name, vmac.kind.value)
                is_vrf = next((f.kind == "vrf" for f in present.values() if f.index == parent.master), False)
                self._vmacs.make(vmac, parent, parent.master if is_vrf else 0)
                self._settle_later(name)
                self._lent.pop(name, None)
            families = {
                address.address.version
                for instance in self._config.vrrp_instances
                for address in instance.addresses
                if address.dev == name
            }
            for path, value in own_settings(vmac, families).items():
                self._write(path, value)
            self._vmacs.set_up(name, vmac.group)
        except KernelError as error:
            # Of two with the same MAC address one must go before the other one can be up.
            if name not in self._refused and not self._leaving():
                self._refused.add(name)
                self._say(error)
            return False
        self._refused.discard(name)
        self._made[name] = None
        if found is None:
            text = (
                f"{name} was removed by somebody else; it is made again" if again else f"made {name} on {vmac.parent}"
            )
            self._host.log(Level.WARNING if again else Level.INFO, text)
        self._host.changed()
        return True

    def _settle_later(self, name: str) -> None:
        self._settling.add(name)
        asyncio.get_running_loop().call_later(_SETTLING, self._settled, name)

    def _settled(self, name: str) -> None:
        if name in self._settling:
            self._settling.discard(name)
            self._again(name)

    def _remove(self, name: str) -> None:
        self._made.pop(name, None)
        self._lent.pop(name, None)
        try:
            self._vmacs.remove(name)
        except KernelError as error:
            self._say(error)
        else:
            self._record(name, None)

    def _record(self, what: str, before: str | None) -> None:
        """Write down what is about to be changed, or (None) that it has been undone."""
        try:
            if before is None:
                self._ledger.strike(what)
            else:
                self._ledger.enter(what, before)
        except KernelError as error:
            if "ledger" not in self._refused:
                self._refused.add("ledger")
                self._say(error)

    # Settings of devices that are not ours.

    def _borrow(self) -> None:
        wanted = borrowed_settings(self._config)
        spread = self._spread_rp_filter()
        for path in [path for path in self._originals if path not in wanted and path not in spread]:
            self._restore(path)
        for path, value in wanted.items():
            self._set(path, value)

    def _spread_rp_filter(self) -> set[str]:
        """A filter for all would hold for VMACs too: each other device gets it instead. All settings it may touch."""
        if not any(v.family == 4 and v.kind is Kind.MACVLAN for v in self._wanted.values()):
            return set()
        value = self._sysctls.read(_ALL)
        names = [name for name in self._sysctls.devices() if name not in self._wanted]
        paths = [f"net/ipv4/conf/{name}/rp_filter" for name in names]
        if value is not None and value != "0":
            self._host.log(Level.NOTICE, f"all.rp_filter is {value}: each device gets it for itself, VMACs do not")
            for path in paths:
                own = self._sysctls.read(path)
                if own is not None and int(own) < int(value):
                    self._set(path, value)
            self._set(_ALL, "0")
        return {_ALL, *paths}

    def _set(self, path: str, value: str) -> None:
        before = self._sysctls.read(path)
        if before is None or before == value:
            return
        self._originals.setdefault(path, before)
        self._record(path, before)
        self._write(path, value)
        self._host.changed()

    def _restore(self, path: str) -> None:
        before = self._originals.pop(path)
        if self._sysctls.read(path) is not None:
            self._write(path, before)
        self._record(path, None)

    def _write(self, path: str, value: str) -> None:
        if self._sysctls.read(path) in (None, value):
            return
        try:
            self._sysctls.write(path, value)
        except KernelError as error:
            self._say(error)

    def _say(self, error: KernelError) -> None:
        unsupported = "; this kernel lacks it" if error.fault is KernelFault.UNSUPPORTED else ""
        self._host.log(Level.ERROR, f"{error}{unsupported}")


def _on_link(address: Address) -> Interface:
    return ip_interface(f"{address}/{64 if address.version == 6 else 32}")
