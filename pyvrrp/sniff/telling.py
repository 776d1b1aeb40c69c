"""What was seen, in lines of at most 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap
from typing import Final

from pyvrrp.sniff.census import Census, Router
from pyvrrp.sniff.frames import Advert, Announcement, Fragmentary, Seen, is_virtual_mac
from pyvrrp.units import SECOND, Micros, format_seconds

WIDTH: Final = 80
HEAD: Final = f"{'TIME':>12} {'WHAT':4} {'VRID':>4} {'PRIO':>4} {'EVERY':>6} {'AUTH':4} FROM AND ADDRESSES"
_MARGIN: Final = 40
_TTL: Final = 255


def lines(at: Micros, interface: str, seen: Seen, instance: str | None, refusal: str | None) -> Iterator[str]:
    """`at`: since the first. `instance`, `refusal`: what a `verdicts.Judge` says; None where nobody was asked."""
    time = f"{at / SECOND:12.6f}"
    match seen:
        case Advert():
            every = f"{format_seconds(seen.interval)}s"
            head = (
                f"{time} {f'v{seen.version}':4} {seen.virtual_router_id:4} {seen.priority:4} {every:>6} {seen.auth:4}"
            )
            yield from _wrapped(head, _advert(seen, interface))
        case Announcement():
            kind = "ARP" if seen.address.version == 4 else "NA"
            vrid = str(seen.mac[5]) if is_virtual_mac(seen.mac) else ""
            text = f"{seen.address} is at {mac_text(seen.mac)}{_where(seen.vlan, interface)}"
            yield from _wrapped(f"{time} {kind:4} {vrid:>4} {'':4} {'':6} {'':4}", text)
        case Fragmentary():
            text = f"{seen.source} > {seen.destination}: only {seen.length} bytes{_where(seen.vlan, interface)}"
            yield from _wrapped(f"{time} {'?':4} {'':4} {'':4} {'':6} {'':4}", text)
    if refusal is not None:
        yield from _wrapped("", f"refused by {instance}: {refusal}" if instance else refusal)


def _advert(seen: Advert, interface: str) -> str:
    notes = []
    if seen.priority == 0:
        notes.append("stops")
    if seen.kind != 1:
        notes.append(f"type {seen.kind}")
    if not seen.destination.is_multicast:
        notes.append(f"to {seen.destination}")
    if seen.ttl != _TTL:
        notes.append(f"TTL {seen.ttl}")
    note = f" ({', '.join(notes)})" if notes else ""
    addresses = " ".join(map(str, seen.addresses)) or "no addresses"
    return f"{seen.source}{note}{_where(seen.vlan, interface)}: {addresses}"


def _where(vlan: int | None, interface: str) -> str:
    return f"{f' on {interface}' if interface else ''}{'' if vlan is None else f' VLAN {vlan}'}"


def _wrapped(head: str, text: str) -> Iterator[str]:
    """The text behind the head, and below itself where it does not fit."""
    for number, line in enumerate(wrap(text, WIDTH - _MARGIN, break_on_hyphens=False) or [""]):
        yield f"{'' if number else head:<{_MARGIN}}{line}".rstrip()


def summary(census: Census, now: Micros) -> Iterator[str]:
    """`now`: as the census was told of times."""
    routers = census.routers()
    if not routers:
        yield "No VRRP was seen."
        return
    yield f"{'VRID':>4} {'WHAT':4} {'PRIO':>4} {'EVERY':>6} {'AUTH':4} {'SEEN':>6} {'BAD':>5} MASTER AND ADDRESSES"
    for router in routers:
        yield from _router(router, now)
    yield ""
    for number, line in enumerate(wrap(f"Free virtual router ids here: {census.free()}", WIDTH)):
        yield line if not number else f"  {line}"


def _router(router: Router, now: Micros) -> Iterator[str]:
    head = (
        f"{router.virtual_router_id:4} {f'v{router.version}':4} {router.priority:4} "
        f"{f'{format_seconds(router.interval)}s':>6} {router.auth:4} {router.adverts:6} {router.refused:5}"
    )
    silent = now - router.last > 3 * router.interval + SECOND
    who = f"{router.master}" if router.master else "stopped"
    notes = [f"VLAN {router.vlan}"] if router.vlan is not None else []
    if silent:
        notes.append(f"silent for {format_seconds((now - router.last) // SECOND * SECOND)}s")
    others = [str(sender) for sender in router.senders if sender != router.master]
    if others:
        notes.append(f"also heard: {', '.join(others)}")
    if router.changes:
        notes.append(f"sender changed {router.changes} times")
    note = f" ({'; '.join(notes)})" if notes else ""
    yield from _wrapped(head, f"{who}{note}: {' '.join(map(str, router.addresses)) or 'no addresses'}")


def mac_text(mac: bytes) -> str:
    return mac.hex(":")
