"""VRRP for people: who is master, since when, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Final

from pyvrrp.core.vrrp.snapshot import (
    AddressSnapshot,
    Cause,
    InstanceSnapshot,
    RoutingSnapshot,
    Transition,
    VrrpSnapshot,
)
from pyvrrp.core.vrrp.stats import Stats
from pyvrrp.observe.layout import Column, Line, Piece, Row, Style, flow, table, words
from pyvrrp.observe.numbers import short
from pyvrrp.observe.picture import Picture
from pyvrrp.units import Micros, format_age, format_seconds

_STATE: Final = {
    "MASTER": Style.GOOD,
    "BACKUP": Style.CALM,
    "INIT": Style.WARN,
    "FAULT": Style.BAD,
    "STOP": Style.FAINT,
    "DELETED": Style.FAINT,
}
_NO_ERRORS: Final = frozenset(
    {"advert_rcvd", "advert_sent", "become_master", "release_master", "pri_zero_rcvd", "pri_zero_sent"}
)
COUNTERS: Final = {
    "advert_rcvd": "advertisements received",
    "advert_sent": "advertisements sent",
    "become_master": "became master",
    "release_master": "released master",
    "packet_len_err": "wrong length",
    "advert_interval_err": "wrong interval",
    "ip_ttl_err": "wrong TTL",
    "invalid_type_rcvd": "invalid type",
    "addr_list_err": "other addresses",
    "invalid_authtype": "unknown authentication type",
    "authtype_mismatch": "other authentication type",
    "auth_failure": "wrong password",
    "auth_ext_missing": "not signed",
    "auth_ext_malformed": "malformed signature",
    "auth_ext_unknown_key": "signed with an unknown key",
    "auth_ext_invalid_hmac": "wrong signature",
    "auth_ext_stale": "signed too long ago",
    "auth_ext_replay": "signature seen already",
    "pri_zero_rcvd": "priority 0 received",
    "pri_zero_sent": "priority 0 sent",
    "chk_err": "wrong checksum",
    "vers_err": "other version",
    "vrid_err": "other virtual router id",
}
"""In the words of the table of counters; each field of Stats, in its order."""
_INSTANCES: Final = (
    Column("INSTANCE"),
    Column("STATE"),
    Column("SINCE", right=True),
    Column("PRIO", right=True),
    Column("MASTER"),
    Column("SENT", "ADVERTS", right=True),
    Column("RCVD", "ADVERTS", right=True),
    Column("ERRORS", right=True),
)
_GROUPS: Final = (Column("SYNC GROUP"), Column("STATE"), Column("SINCE", right=True))
_TRACKED: Final = (Column("TRACKED"), Column("STATE"))
_STATIC: Final = (Column("STATIC"), Column("STATE"))
_WELL: Final = frozenset({"succeeds", "runs", "up"})
_ILL: Final = frozenset({"fails", "does not run", "down"})
_LABEL: Final = 17
"""Width of the labels in the detailed view."""


def overview(vrrp: VrrpSnapshot, taken: Micros, width: int | None) -> list[list[Line]]:
    """The tables of instances, of sync groups, of what instances are tied to, and of what is static."""
    instances = [
        Row(
            [
                Piece(instance.name),
                _state(instance.state),
                Piece(format_age(taken - instance.since)),
                _priority(instance),
                Piece(instance.master_address or "-"),
                Piece(short(instance.stats.advert_sent)),
                Piece(short(instance.stats.advert_rcvd)),
                _errors(instance.stats),
            ],
            [_what(instance), *_why(instance)],
        )
        for instance in vrrp.instances
    ]
    groups = [
        Row(
            [Piece(group.name), _state(group.state), Piece(format_age(taken - group.since))],
            [[Piece("members", Style.FAINT), *(Piece(member) for member in group.members)]],
        )
        for group in vrrp.sync_groups
    ]
    trackers = [
        Row(
            [Piece(f"{tracker.kind} {tracker.name}"), Piece(tracker.state, _style(tracker.state))],
            [words(tracker.detail)] if tracker.detail else [],
        )
        for tracker in vrrp.trackers
    ]
    static = [
        Row([Piece(entry.text), Piece(*(("there", Style.GOOD) if entry.present else ("missing", Style.BAD)))], [])
        for entry in vrrp.static
    ]
    tables = ((_INSTANCES, instances), (_GROUPS, groups), (_TRACKED, trackers), (_STATIC, static))
    return [table(columns, rows, width) for columns, rows in tables]


def detail(
    instance: InstanceSnapshot, picture: Picture, clock: Callable[[Micros], str], width: int | None
) -> list[Line]:
    """Everything known of one instance."""

    def when(at: Micros) -> str:
        return clock(picture.taken_epoch - (picture.taken - at))

    def ago(at: Micros) -> str:
        return f"{_fine_age(picture.taken - at)} ago"

    heard = f"last heard {ago(instance.last_advert)}" if instance.last_advert is not None else "none heard yet"
    master = instance.master_address or "nobody known"
    if instance.master_priority is not None:
        master += f" (priority {instance.master_priority})"
    sections: list[tuple[str, Iterable[Sequence[Piece]]]] = [
        ("since", [words(f"{when(instance.since)}, {ago(instance.since)}")]),
        ("why", [words(_reason(instance.cause, instance.detail))]),
        ("faults", [words(fault, Style.BAD) for fault in instance.faults]),
        (
            "interface",
            [
                words(
                    f"{_devices(instance)}, virtual router id {instance.virtual_router_id}, version {instance.version}"
                )
            ],
        ),
        ("priority", [words(_sum(instance))]),
        ("preempt", [words("yes" if instance.preempt else "no (nopreempt)")]),
        ("master", [words(master)]),
        (
            "advertisements",
            [
                words(
                    f"every {format_seconds(instance.advert_int)} s, the master's every"
                    f" {format_seconds(instance.master_advert_int)} s; {heard}"
                )
            ],
        ),
        ("last refused", [words(instance.last_reject, Style.WARN)] if instance.last_reject else []),
        ("sync group", [words(instance.sync_group)] if instance.sync_group else []),
        ("addresses", [_address(address, instance, full=True) for address in instance.addresses]),
        ("routes", [_routing(entry, wanted=instance.state == "MASTER") for entry in instance.routing]),
        ("counters", [_counter(name, getattr(instance.stats, name)) for name in _told(instance.stats)]),
        ("transitions", [_transition(transition, when) for transition in instance.transitions]),
    ]
    lines: list[Line] = [
        [Piece(instance.name, Style.HEAD), Piece(" is "), _state(instance.state)],
    ]
    for label, items in sections:
        for i, item in enumerate(items):
            lines += _labelled("" if i else label, item, width)
    return lines


def _labelled(label: str, item: Sequence[Piece], width: int | None) -> list[Line]:
    first, *others = flow(item, width, _LABEL)
    return [[Piece(f"  {label}".ljust(_LABEL), Style.FAINT), *first[1:]], *others]


def _style(state: str) -> Style:
    """Of what is tracked: a number in a file is neither good nor bad."""
    return Style.GOOD if state in _WELL else Style.BAD if state in _ILL else Style.PLAIN


def _state(state: str) -> Piece:
    return Piece(state, _STATE.get(state, Style.WARN))


def _priority(instance: InstanceSnapshot) -> Piece:
    if instance.effective_priority == instance.priority:
        return Piece(str(instance.priority))
    return Piece(f"{instance.effective_priority}/{instance.priority}", Style.WARN)


def _errors(stats: Stats) -> Piece:
    count = sum(getattr(stats, field.name) for field in fields(stats) if field.name not in _NO_ERRORS)
    return Piece(short(count), Style.BAD if count else Style.PLAIN)


def _devices(instance: InstanceSnapshot) -> str:
    return instance.interface if instance.vmac is None else f"{instance.interface} ({instance.vmac})"


def _what(instance: InstanceSnapshot) -> list[Piece]:
    """Device, router id and addresses."""
    place = Piece(f"{_devices(instance)} vrid {instance.virtual_router_id}", Style.FAINT)
    return [place, *(piece for address in instance.addresses for piece in _address(address, instance, full=False))]


def _address(address: AddressSnapshot, instance: InstanceSnapshot, *, full: bool) -> list[Piece]:
    usual = (instance.interface, instance.vmac)
    text = address.address if address.dev in usual and not full else f"{address.address} dev {address.dev}"
    master = instance.state == "MASTER"
    if master and not address.present:
        return [Piece(f"{text} (missing)", Style.BAD)]
    if address.present and not master:
        return [Piece(f"{text} (still there)", Style.BAD)]
    pieces = [Piece(text, Style.GOOD if address.present else Style.PLAIN)]
    if full and not address.advertised:
        pieces.append(Piece("not advertised", Style.FAINT))
    return pieces


def _routing(entry: RoutingSnapshot, *, wanted: bool) -> list[Piece]:
    """A route or a rule, and whether it is there."""
    if entry.present == wanted:
        return words(entry.text, Style.GOOD if wanted else Style.PLAIN)
    return words(f"{entry.text} ({'missing' if wanted else 'still there'})", Style.BAD)


def _why(instance: InstanceSnapshot) -> list[list[Piece]]:
    notes = [words(_reason(instance.cause, instance.detail))]
    notes += [words(f"fault: {fault}", Style.BAD) for fault in instance.faults]
    wanted = instance.state == "MASTER"
    notes += [_routing(entry, wanted=wanted) for entry in instance.routing if entry.present != wanted]
    if instance.last_reject:
        notes.append(words(f"last refused: {instance.last_reject}", Style.WARN))
    return notes


def _reason(cause: Cause, text: str) -> str:
    return f"{cause.value}: {text}" if text else cause.value


def _sum(instance: InstanceSnapshot) -> str:
    """``80 = priority 100, track_interface eth1 -20``."""
    parts = [f"{name} {value:+d}" if i else f"{name} {value}" for i, (name, value) in enumerate(instance.priority_sum)]
    return f"{instance.effective_priority} = {', '.join(parts)}" if parts else str(instance.effective_priority)


def _told(stats: Stats) -> list[str]:
    """The counters worth a line: the ordinary ones always, errors where there were any."""
    return [name for name in COUNTERS if name in _NO_ERRORS or getattr(stats, name)]


def _counter(name: str, value: int) -> list[Piece]:
    style = Style.BAD if value and name not in _NO_ERRORS else Style.PLAIN
    return [Piece(f"{value} {COUNTERS[name]}", style)]


def _transition(transition: Transition, when: Callable[[Micros], str]) -> list[Piece]:
    return [
        Piece(when(transition.at)),
        Piece(f"{transition.old} ->"),
        _state(transition.new),
        Piece(f"at priority {transition.priority},"),
        *words(transition.reason),
    ]


def _fine_age(age: Micros) -> str:
    """Like `format_age`, with tenths below ten seconds: an advertisement's age is read in these."""
    return f"{max(0, age) / 1_000_000:.1f}s" if age < 10_000_000 else format_age(age)
