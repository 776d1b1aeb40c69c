"""What can happen to the balancer. Past tense: an event is a fact, with the instant at which it was noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pyvrrp.core.lvs.ipvs_settings import Settings
from pyvrrp.core.lvs.ipvs_table import Operation, Table
from pyvrrp.core.lvs.snapshot import LvsSnapshot
from pyvrrp.model.config import Config
from pyvrrp.model.lvs import ServiceKey
from pyvrrp.net import Address
from pyvrrp.units import Micros


@dataclass(frozen=True, slots=True)
class Started:
    at: Micros
    config: Config
    previous: LvsSnapshot | None = None
    """What a worker that died had told last: this one carries on with its servers' states."""
    numbers: Mapping[str, int] = field(default_factory=dict)
    """What is in the files that FILE_CHECKs follow, by path."""
    marking: bool = False
    """nftables_ipvs is asked for, and nftables can do it."""


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """A reload brought a new, valid configuration."""

    at: Micros
    config: Config
    numbers: Mapping[str, int] = field(default_factory=dict)
    marking: bool = False
    """Both as in Started."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """A file that FILE_CHECKs follow holds another number, or a session that BFD_CHECKs follow went up or down."""

    at: Micros
    subject: str
    """The path of the file, or the name of the session."""
    value: int
    """The number; of a session 1 for up and 0 for down."""


@dataclass(frozen=True, slots=True)
class AddressesChanged:
    """What addresses this host has now; told where ha_suspend asks for it, first after Started."""

    at: Micros
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The instant that `deadline()` named has come."""

    at: Micros


@dataclass(frozen=True, slots=True)
class CheckFinished:
    at: Micros
    check: int
    """The id from StartCheck."""
    error: str | None
    """Why the server failed the check; None if it passed."""
    status: int = 0
    """Exit status of a script that passed: from 2 on it sets the weight."""


@dataclass(frozen=True, slots=True)
class CheckNotStarted:
    """The check could not be made at all (a bad bindto …), which says nothing about the server."""

    at: Micros
    check: int
    """The id from StartCheck."""
    reason: str


@dataclass(frozen=True, slots=True)
class TableRead:
    """IPVS is there, and this is what its table holds."""

    at: Micros
    table: Table
    settings: Settings = field(default_factory=Settings)
    keys: tuple[ServiceKey, ...] | None = None
    """Those of ReadTable, if only some services were read."""


@dataclass(frozen=True, slots=True)
class IpvsFailed:
    """IPVS is not to be had, or does not let us read its table."""

    at: Micros
    problem: str
    """What could not be done, and why: ``initialize ipvs: …``."""
    absent: bool = False
    """It is not there; when it comes, IpvsCame will say so."""


@dataclass(frozen=True, slots=True)
class IpvsCame:
    """The kernel has IPVS now. It may have had it before."""

    at: Micros


@dataclass(frozen=True, slots=True)
class Refusal:
    operation: Operation
    reason: str


@dataclass(frozen=True, slots=True)
class IpvsRefused:
    """Some operations of an ApplyTable failed; the others were done."""

    at: Micros
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class StopRequested:
    at: Micros
    release: bool = True
    """Take our services out of IPVS."""


Event: TypeAlias = (
    Started
    | Reconfigured
    | AddressesChanged
    | Noticed
    | TimePassed
    | CheckFinished
    | CheckNotStarted
    | TableRead
    | IpvsFailed
    | IpvsCame
    | IpvsRefused
    | StopRequested
)
