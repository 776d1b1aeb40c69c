"""global_defs and the scalar keywords outside of blocks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any, Final

from pyvrrp.config.fill import fill
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import BARE, UINT_MAX, parse_integer
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values, flag, integer, scalars, text
from pyvrrp.errors import ProblemClass
from pyvrrp.model.config import FlushOnStop, GlobalDefs
from pyvrrp.model.scripts import ScriptRules
from pyvrrp.net import Address
from pyvrrp.units import SECOND

if TYPE_CHECKING:
    from pyvrrp.model.globals import IpvsGlobals

INCLUDE_CHECKS = frozenset({"read", "match", "wildcard_match", "brace_match"})
IPVS_WORDS: Final = frozenset({"net_namespace_ipvs", "lvs_timeouts", "lvs_sync_daemon"})
RULES: Final = frozenset(member.name for member in fields(ScriptRules))
GROUP_WORDS: Final = ("vrrp_mcast_group4", "vrrp_mcast_group6")


def build_global_defs(root: Statement, problems: Problems) -> tuple[GlobalDefs, Values]:
    """All global_defs blocks are read as one, before anything else, as keepalived's parent process does.

    Their values come along: they are the defaults of instances (`pyvrrp.config.defaults`) and checks.
    """
    values = scalars(root)
    for block in root.children:
        if block.word == "global_defs":
            values |= scalars(block)
            _check(block, problems)
    flush = values.get("lvs_flush_on_stop", values.get("lvs_flush_onstop"))
    namespace, instance = text(values, "net_namespace"), text(values, "instance")
    definitions = GlobalDefs(
        router_id=text(values, "router_id"),
        instance=instance,
        net_namespace=namespace,
        use_pid_dir=flag(values, "use_pid_dir") or namespace is not None or instance is not None,
        child_wait_time=integer(values, "child_wait_time", 5) * SECOND,
        lvs_flush=flag(values, "lvs_flush"),
        lvs_flush_on_stop=FlushOnStop.NO
        if flush is None
        else (FlushOnStop.ALL if flush is BARE else FlushOnStop.SERVICES),
        vrrp_startup_delay=integer(values, "vrrp_startup_delay", 0),
        garp_interval=integer(values, "vrrp_garp_interval", 0),
        gna_interval=integer(values, "vrrp_gna_interval", 0),
        dynamic_interfaces="dynamic_interfaces" in values,
        scripts=_scripts(values),
        **_groups(root, problems),
    )
    return definitions, values


def _scripts(values: Values) -> ScriptRules | None:
    if values.keys().isdisjoint(RULES):
        return None
    from pyvrrp.config.scripts import read_script_rules

    return read_script_rules(values)


def is_group(word: str, address: Address) -> bool:
    """Whether vrrp_mcast_group4 or vrrp_mcast_group6 may name it."""
    return address.is_multicast and word.endswith(str(address.version))


def _groups(root: Statement, problems: Problems) -> dict[str, Any]:
    """The rarer groups of which something is said; none of their types is loaded where nothing is."""
    statements = [child for child in root.children if not child.children]
    statements += [child for block in root.children if block.word == "global_defs" for child in block.children]
    if not statements:
        return {}
    from pyvrrp.model import globals as groups

    allow = any(child.word == "dynamic_interfaces" and child.value == "allow_if_changes" for child in statements)
    return {
        "mail": fill(groups.Mail, statements),
        "process_names": fill(groups.ProcessNames, statements),
        "scheduling": fill(groups.Scheduling, statements),
        "firewall": fill(groups.Firewall, statements),
        "fifos": fill(groups.Fifos, statements),
        "observers": fill(groups.Observers, statements),
        "buffers": fill(groups.Buffers, statements),
        "places": fill(groups.Places, statements),
        "vrrp": fill(groups.VrrpGlobals, statements, allow_if_changes=allow or None),
        "ipvs": _ipvs(statements, problems),
    }


def _ipvs(statements: Collection[Statement], problems: Problems) -> IpvsGlobals | None:
    if not any(child.word in IPVS_WORDS for child in statements):
        return None
    from pyvrrp.config.ipvs import read_sync_daemon, read_timeouts
    from pyvrrp.model.globals import IpvsGlobals

    return fill(
        IpvsGlobals,
        [child for child in statements if child.word == "net_namespace_ipvs"],
        lvs_timeouts=read_timeouts(statements, problems),
        lvs_sync_daemon=read_sync_daemon(statements, problems),
    )


def _check_policy(child: Statement, problems: Problems) -> None:
    """MTU, ADVERT or a number, which stands first and alone."""
    words = {option.upper() for option in child.words[1:]}
    first = child.words[1] if len(child.words) > 1 else "0"
    if {"MTU", "ADVERT"} <= words:
        problems.error(child.line, "MTU and ADVERT exclude each other", "MTU is used")
    elif words - {"MTU", "ADVERT"} and isinstance(parse_integer(first, 0, UINT_MAX), str):
        message = f"`{first}` is not a number"
        problems.error(child.line, message, "buffers keep their size", word=1, kind=ProblemClass.INVALID_NUMBER)


def is_link_multicast(address: Address) -> bool:
    """Over IPv6 VRRP keeps to the link; IPv4's groups are not told apart."""
    return address.version == 4 or (address.packed[0] == 0xFF and address.packed[1] & 15 == 2)


def _check(block: Statement, problems: Problems) -> None:
    """What a reader alone cannot judge."""
    for child in block.children:
        word, value = child.word, child.value
        if word in ("vrrp_garp_master_repeat", "vrrp_garp_master_refresh_repeat") and value == 0:
            problems.error(child.line, f"{word} must be at least 1", "1 is used", word=1)
        elif word in GROUP_WORDS and isinstance(value, (IPv4Address, IPv6Address)) and not is_group(word, value):
            problems.error(child.line, f"{value} is not an IPv{word[-1]} multicast address", word=1)
        elif word == "vrrp_mcast_group6" and isinstance(value, IPv6Address) and not is_link_multicast(value):
            message = f"{value} is no multicast address of a link (ff02::)"
            problems.warning(child.line, message, "it is used", word=1)
        elif word == "vrrp_rx_bufs_policy":
            _check_policy(child, problems)
        elif word == "smtp_server" and len(child.words) > 2:
            port = parse_integer(child.words[2], 1, 65535)
            if isinstance(port, str):
                effect = "no mail is sent"
                problems.error(child.line, f"port: {port}", effect, word=2, kind=ProblemClass.INVALID_NUMBER)
        elif word == "include_check":
            for index, option in enumerate(child.words[1:], 1):
                signed = option[:1] in ("+", "-")
                if option.lstrip("+-") not in INCLUDE_CHECKS or (index > 1 and not signed):
                    problems.error(
                        child.line, f"`{option}` is no include check", "it and the rest are ignored", word=index
                    )
                    break
