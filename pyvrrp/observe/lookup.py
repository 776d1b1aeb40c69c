"""The part of a picture that a name stands for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from pyvrrp.core.lvs.snapshot import VirtualServerSnapshot
from pyvrrp.core.vrrp.snapshot import VrrpSnapshot
from pyvrrp.observe.picture import Picture


class Part(Enum):
    """What of a picture is wanted."""

    ALL = "all"
    VRRP = "vrrp"
    LVS = "lvs"
    NAMED = "named"
    """What has one name, in full."""


class UnknownNameError(Exception):
    """The daemon has nothing of that name; the message is for the operator."""


def part_of(picture: Picture, name: str | None) -> tuple[Part, Picture]:
    """What `name` stands for (None, ``vrrp``, ``lvs`` or one of `names`), and the picture with nothing else in it."""
    match name:
        case None:
            return Part.ALL, picture
        case "vrrp":
            return Part.VRRP, replace(picture, lvs=None)
        case "lvs":
            return Part.LVS, replace(picture, vrrp=None)
    if (narrowed := narrow(picture, name)) is not None:
        return Part.NAMED, narrowed
    similar = suggestions(picture, name)
    meant = f"; did you mean {' or '.join(similar)}?" if similar else ""
    raise UnknownNameError(f"the daemon has no instance, sync group or server called {name}{meant}")


def narrow(picture: Picture, name: str) -> Picture | None:
    """The picture with nothing in it but what is called `name`; None where nothing is.

    A name is that of a VRRP instance, a sync group (which brings its members), something that is tracked, or a virtual
    address; a virtual server's keepalived name or address; or a real server's address. Of addresses the port or prefix
    length may be left out.
    """
    vrrp, lvs = picture.vrrp, picture.lvs
    if vrrp is not None:
        groups = tuple(group for group in vrrp.sync_groups if group.name == name)
        members = {member for group in groups for member in group.members}
        instances = tuple(
            instance
            for instance in vrrp.instances
            if instance.name == name
            or instance.name in members
            or any(_means(name, address.address) for address in instance.addresses)
        )
        trackers = tuple(tracker for tracker in vrrp.trackers if tracker.name == name)
        vrrp = VrrpSnapshot(instances=instances, sync_groups=groups, trackers=trackers)
    if lvs is not None:
        services = (_narrow_service(service, name) for service in lvs.virtual_servers)
        lvs = replace(lvs, virtual_servers=tuple(service for service in services if service is not None))
    empty = not (vrrp and (vrrp.instances or vrrp.sync_groups or vrrp.trackers)) and not (lvs and lvs.virtual_servers)
    return None if empty else replace(picture, vrrp=vrrp, lvs=lvs)


def names(picture: Picture) -> list[str]:
    """Everything that `narrow` knows, without repeats."""
    return list(dict.fromkeys(_names(picture)))


def suggestions(picture: Picture, name: str) -> list[str]:
    """The names most like an unknown one, at most three."""
    from difflib import get_close_matches

    folded = {known.casefold(): known for known in names(picture)}
    return [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]


def _names(picture: Picture) -> Iterator[str]:
    if picture.vrrp is not None:
        yield from (instance.name for instance in picture.vrrp.instances)
        yield from (group.name for group in picture.vrrp.sync_groups)
        yield from (tracker.name for tracker in picture.vrrp.trackers)
    if picture.lvs is not None:
        for service in picture.lvs.virtual_servers:
            yield from (service.address, service.name)
            yield from (server.address for server in service.real_servers)


def _narrow_service(service: VirtualServerSnapshot, name: str) -> VirtualServerSnapshot | None:
    if name == service.name or _means(name, service.address):
        return service
    servers = tuple(server for server in service.real_servers if _means(name, server.address))
    return replace(service, real_servers=servers) if servers else None


def _means(name: str, address: str) -> bool:
    """Whether `name` is the address, with or without its port (``[2001:db8::1]:80``) or prefix length."""
    if name == address:
        return True
    host, bracket, _ = address.partition("]")
    if bracket:
        return name == host.removeprefix("[")
    return name in (address.partition("/")[0], address.rpartition(":")[0] if address.count(":") == 1 else address)
