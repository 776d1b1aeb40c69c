"""nftables_ipvs: the table that marks packets for IPVS. Loaded only where a configuration asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pyvrrp.core.log import Level
from pyvrrp.core.lvs.marking import MarkTable, ruleset
from pyvrrp.core.nft import FAMILIES, removal
from pyvrrp.daemon.role import Host
from pyvrrp.daemon.upkeep import Upkeep
from pyvrrp.errors import KernelError
from pyvrrp.kernel.api import Firewall

_INSTEAD: Final = "nftables_ipvs: each address gets its own IPVS service instead"


class Marker:
    """`make` opens the kernel's side, which may be missing."""

    def __init__(self, make: Callable[[], Firewall], host: Host) -> None:
        self._host = host
        self._present: MarkTable | None = None
        """None: not known; an earlier run may have left something."""
        self._said: set[str] = set()
        self._firewall: Firewall | None = None
        self._upkeep: Upkeep | None = None
        try:
            self._firewall = make()
        except KernelError as error:
            self._once(f"{error}. {_INSTEAD}")

    def begin(self) -> None:
        """Know from now on when somebody takes the table away."""
        if self._firewall is not None:
            self._upkeep = Upkeep(self._firewall, self._host, self._name, self._again)
            self._upkeep.begin()

    def able(self, table: MarkTable) -> bool:
        """Whether this kernel takes such a table; tried with one of another name, which is gone at once."""
        if self._firewall is None:
            return False
        trial = replace(table, name=f"{table.name[:50]}_trial")
        try:
            for family in trial.families:
                self._firewall.apply(ruleset(trial, family) + removal(trial.name, family))
        except KernelError as error:
            self._once(f"{error}. {_INSTEAD}")
            return False
        return True

    def apply(self, table: MarkTable) -> None:
        """This, in place of what was there; without entries nothing."""
        before, self._present = self._present, table
        if before is not None and before.name != table.name:
            self._remove(before.name, before.families)
        left = FAMILIES if before is None else before.families
        self._remove(table.name, [family for family in left if family not in table.families])
        self._again()

    def end(self) -> None:
        if self._upkeep is not None:
            self._upkeep.end()

    def _remove(self, name: str, families: list[int]) -> None:
        for family in families:
            self._do(removal(name, family))

    def _again(self) -> None:
        if (table := self._present) is not None:
            for family in table.families:
                self._do(ruleset(table, family))

    def _name(self) -> str | None:
        return self._present.name if self._present and self._present.entries else None

    def _do(self, text: str) -> None:
        if self._firewall is None:
            return
        try:
            self._firewall.apply(text)
        except KernelError as error:
            self._once(f"{error}: packets to addresses of groups may lack their mark, and are not balanced")

    def _once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._host.log(Level.ERROR, text)
