"""Events and actions of both machines in words, a line each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

from pyvrrp.core.log import Log
from pyvrrp.core.lvs import actions as lvs_actions
from pyvrrp.core.lvs import events as lvs_events
from pyvrrp.core.vrrp import actions as vrrp_actions
from pyvrrp.core.vrrp import events as vrrp_events
from pyvrrp.kernel.ipvs_messages import describe
from pyvrrp.model.routing import Route, Rule
from pyvrrp.model.vrrp import VirtualAddress


def vrrp_event(event: vrrp_events.Event) -> str:
    match event:
        case vrrp_events.Started():
            masters = f", which was MASTER of {', '.join(sorted(event.masters))}" if event.masters else ""
            return f"the worker started{' in place of one' if event.masters else ''}{masters}"
        case vrrp_events.InterfaceChanged():
            if event.facts is None:
                return f"{event.name} is gone"
            addresses = " ".join(map(str, event.facts.addresses)) or "without addresses"
            return f"{event.name} is {'up' if event.facts.up else 'down'}, {addresses}"
        case vrrp_events.TrackerChanged():
            value = event.value
            words = {True: "up", False: "down", None: "to be found out"}
            state = words[value] if value is None or isinstance(value, bool) else str(value)
            detail = f": {event.detail}" if event.detail else ""
            return f"{event.kind.value} {event.name} is {state}{detail}"
        case vrrp_events.DatagramReceived():
            return f"{event.source} > {event.destination} on {event.interface}: {_advert(event.payload)}"
        case vrrp_events.WallClock():
            return "the wall clock is other than before"
        case vrrp_events.TimePassed():
            return "a deadline came"
        case vrrp_events.AddressRemoved():
            return f"somebody removed {event.address} from {event.dev}"
        case vrrp_events.RoutingRemoved():
            return f"somebody removed routes or rules; not there: {_routing(event.missing)}"
        case vrrp_events.KernelRefused():
            return f"the kernel refused for {event.instance}: {event.reason}"
        case vrrp_events.Reconfigured():
            return f"another configuration: {len(event.config.vrrp_instances)} instances"
        case vrrp_events.StopRequested():
            return "stop"
        case _:
            assert_never(event)


def vrrp_action(action: vrrp_actions.Action) -> str:
    match action:
        case vrrp_actions.SendAdvert():
            return f"{action.instance} advertises: {_advert(action.message)}"
        case vrrp_actions.AddAddresses():
            return f"{action.instance} adds {_addresses(action.addresses)}"
        case vrrp_actions.RemoveAddresses():
            return f"{action.instance} removes {_addresses(action.addresses)}"
        case vrrp_actions.AddRouting():
            return f"{action.instance} adds {_routing(action.entries)}"
        case vrrp_actions.RemoveRouting():
            return f"{action.instance} removes {_routing(action.entries)}"
        case vrrp_actions.SendGratuitousArps():
            return f"{action.instance} announces {_addresses(action.addresses)}, {action.repeat} times"
        case vrrp_actions.ReportTransition():
            moved = action.transition
            return f"{moved.instance} goes from {moved.old} to {moved.new}: {moved.reason}"
        case vrrp_actions.ReportGroup():
            return f"group {action.name} is {action.state}"
        case vrrp_actions.ReportLowerPriority():
            return f"{action.instance} met a lower priority"
        case vrrp_actions.ReportPriority():
            return f"{action.instance} has priority {action.priority}"
        case Log():
            return f"says: {action.text}"
        case _:
            assert_never(action)


def lvs_event(event: lvs_events.Event) -> str:
    match event:
        case lvs_events.Started():
            again = " in place of one that died" if event.previous else ""
            return f"the worker started{again}, {len(event.config.virtual_servers)} virtual servers"
        case lvs_events.Reconfigured():
            return f"another configuration: {len(event.config.virtual_servers)} virtual servers"
        case lvs_events.AddressesChanged():
            return f"this host has {len(event.addresses)} addresses"
        case lvs_events.Noticed():
            return f"{event.subject} is {event.value}"
        case lvs_events.TimePassed():
            return "a deadline came"
        case lvs_events.CheckFinished():
            return f"check {event.check}: {'passed' if event.error is None else event.error}"
        case lvs_events.CheckNotStarted():
            return f"check {event.check} could not be made: {event.reason}"
        case lvs_events.TableRead():
            return f"IPVS holds {len(event.table)} services"
        case lvs_events.IpvsFailed():
            return event.problem
        case lvs_events.IpvsCame():
            return "the kernel has IPVS"
        case lvs_events.IpvsRefused():
            refused = "; ".join(f"{describe(r.operation)}: {r.reason}" for r in event.refusals[:3])
            more = f" and {len(event.refusals) - 3} more" if len(event.refusals) > 3 else ""
            return f"IPVS refused: {refused}{more}"
        case lvs_events.StopRequested():
            return "stop"
        case _:
            assert_never(event)


def lvs_action(action: lvs_actions.Action) -> str:
    match action:
        case lvs_actions.StartCheck():
            return f"begins check {action.id}"
        case lvs_actions.CancelCheck():
            return f"gives up check {action.id}"
        case lvs_actions.ReadTable():
            return "reads the table of IPVS"
        case lvs_actions.ApplyTable():
            done = "; ".join(map(describe, action.operations[:5]))
            return f"IPVS: {done}{f' and {len(action.operations) - 5} more' if len(action.operations) > 5 else ''}"
        case lvs_actions.MarkPackets(marks):
            return f"nftables marks {len(marks.entries)} ranges of addresses"
        case lvs_actions.ReportRealServer():
            return f"{action.endpoint} of {action.service} is {'up' if action.alive else 'down'}"
        case lvs_actions.ReportChecker():
            return f"a checker of {action.endpoint} of {action.service} is {'up' if action.up else 'down'}"
        case lvs_actions.ReportVirtualServer():
            return f"{action.service} {'has' if action.quorum_up else 'lost'} its quorum"
        case lvs_actions.ReportIpvs():
            return f"IPVS can{'' if action.problem is None else 'not'} be programmed"
        case Log():
            return f"says: {action.text}"
        case _:
            assert_never(action)


def _addresses(addresses: tuple[VirtualAddress, ...]) -> str:
    return " ".join(str(address.interface) for address in addresses)


def _routing(entries: Iterable[Route | Rule]) -> str:
    return ", ".join(entry.text for entry in entries) or "none"


def _advert(payload: bytes) -> str:
    """What can be said of it without knowing whether it is sound."""
    if len(payload) < 8:
        return f"{len(payload)} bytes"
    return f"version {payload[0] >> 4}, vrid {payload[1]}, priority {payload[2]}, {payload[3]} addresses"
