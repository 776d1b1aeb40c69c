"""The firewall rules of instances: what no_accept drops, and what a VMAC must not say.

Loaded only where an instance has no_accept or a VMAC. Where the kernel or the library is missing that is said once, and
VRRP goes on without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from pyvrrp.core.log import Level
from pyvrrp.core.nft import FAMILIES, removal, table_name
from pyvrrp.core.vrrp.firewall import TABLE, Place, Table, change, ruleset, same_rules, usable
from pyvrrp.daemon.role import Host
from pyvrrp.daemon.upkeep import Upkeep
from pyvrrp.errors import KernelError
from pyvrrp.kernel.api import Firewall
from pyvrrp.model.config import Config
from pyvrrp.model.vmac import Kind

if TYPE_CHECKING:
    from pyvrrp.core.vrrp.actions import AddAddresses, RemoveAddresses
    from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
    from pyvrrp.daemon.devices import Devices


class Guard:
    """What is wanted against what we have put there. `make` opens the kernel's side, which may be missing."""

    def __init__(self, make: Callable[[], Firewall], host: Host) -> None:
        self._host = host
        self._config = Config()
        self._strict: frozenset[str] = frozenset()
        """Instances whose addresses are to be dropped."""
        self._held: dict[str, set[Place]] = {}
        """Addresses of MASTERs."""
        self._present: Table | None = None
        self._said: set[str] = set()
        self._upkeep: Upkeep | None = None
        self._firewall: Firewall | None = None
        try:
            self._firewall = make()
        except KernelError as error:
            self._lacking(error)

    def resume(self, previous: VrrpSnapshot) -> None:
        """Addresses that a worker that died has left on their devices stay guarded."""
        from ipaddress import ip_interface

        for instance in previous.instances:
            places = {(ip_interface(a.address).ip, a.dev) for a in instance.addresses if a.present}
            if places:
                self._held[instance.name] = places

    def watch(self) -> None:
        if self._firewall is not None:
            self._upkeep = Upkeep(self._firewall, self._host, self._name, self._again)
            self._upkeep.begin()

    def configure(self, config: Config, own: Devices | None) -> None:
        self._config = config
        self._strict = frozenset(instance.name for instance in config.vrrp_instances if not instance.accept)
        known = {instance.name for instance in config.vrrp_instances}
        self._held = {name: places for name, places in self._held.items() if name in known}
        firewall = config.global_defs.firewall
        if firewall is not None and (firewall.vrrp_iptables or firewall.vrrp_ipsets is not None):
            self._once("vrrp_iptables and vrrp_ipsets: an nftables table does what they are for", Level.NOTICE)
        self.refresh(own)

    def take(self, actions: Iterable[AddAddresses]) -> None:
        """Before the addresses are there."""
        for action in actions:
            places = {(address.address, address.dev) for address in action.addresses}
            self._held.setdefault(action.instance, set()).update(places)
        self._apply(self._wanted(self._present))

    def leave(self, actions: Iterable[RemoveAddresses]) -> None:
        """When they are gone."""
        for action in actions:
            places = {(address.address, address.dev) for address in action.addresses}
            self._held.get(action.instance, set()).difference_update(places)
        self._apply(self._wanted(self._present))

    def refresh(self, own: Devices | None) -> None:
        """Devices may have come or gone."""
        made = frozenset[str]() if own is None else own.made
        vmacs = frozenset(
            (vmac.name, vmac.parent, vmac.family)
            for instance in self._config.vrrp_instances
            for vmac in instance.vmacs
            if vmac.kind is Kind.MACVLAN and vmac.name in made and usable(vmac.name) and usable(vmac.parent)
        )
        names = {name for name, _, _ in vmacs}
        lent = frozenset[Place]() if own is None else frozenset(p for p in own.lent if p[1] in names)
        defined = self._config.global_defs.firewall
        guards = frozenset(
            address.address.version
            for instance in self._config.vrrp_instances
            if not instance.accept
            for address in instance.addresses
        )
        table = Table(
            name=table_name(None if defined is None else defined.nftables, TABLE),
            priority=-1 if defined is None else defined.nftables_priority,
            counters=defined is not None and defined.nftables_counters,
            vmacs=vmacs,
            guards=guards,
            lent=lent,
        )
        self._apply(self._wanted(table))

    def stop(self) -> None:
        """Take the tables away."""
        if self._firewall is None:
            return
        if self._upkeep is not None:
            self._upkeep.end()
        present, self._present = self._present, None
        for family in () if present is None else present.families:
            self._do(removal(present.name if present else "", family))
        self._firewall = None  # the devices go after this, and none of them brings a table back

    def _wanted(self, table: Table | None) -> Table:
        dropped = frozenset(p for name, places in self._held.items() if name in self._strict for p in places)
        return replace(table or Table(), dropped=dropped)

    def _apply(self, wanted: Table) -> None:
        before = self._present
        if self._firewall is None or wanted == before:
            return
        self._present = wanted
        if before is not None and same_rules(before, wanted):
            if all(self._do(change(before, wanted, family), quiet=True) for family in wanted.families):
                return
        elif before is not None:
            gone = [f for f in before.families if f not in wanted.families or before.name != wanted.name]
            for family in gone:
                self._do(removal(before.name, family))
        self._replace(wanted)

    def _replace(self, wanted: Table) -> None:
        for family in wanted.families:
            if self._do(ruleset(wanted, family), quiet=bool(wanted.vmacs)) or not wanted.vmacs:
                continue
            # What keeps a VMAC quiet needs more of the kernel than the rest.
            without = replace(wanted, vmacs=frozenset())
            if family not in without.families or self._do(ruleset(without, family), quiet=True):
                text = f"nftables of this kernel cannot send {FAMILIES[family]} group reports by a VMAC's parent"
                self._once(f"{text}: switches may see its address on a BACKUP", Level.WARNING)
            else:
                self._do(ruleset(wanted, family))

    def _do(self, text: str, *, quiet: bool = False) -> bool:
        if self._firewall is None or not text:
            return True
        try:
            self._firewall.apply(text)
        except KernelError as error:
            if not quiet:
                self._lacking(error)
            return False
        return True

    def _lacking(self, error: KernelError) -> None:
        text = f"{error}: packets to addresses with no_accept are accepted, and VMACs send their own group reports"
        self._once(text, Level.ERROR)

    def _once(self, text: str, level: Level) -> None:
        if text not in self._said:
            self._said.add(text)
            self._host.log(level, text)

    def _name(self) -> str | None:
        return self._present.name if self._present is not None else None

    def _again(self) -> None:
        if self._present is not None:
            self._replace(self._present)
