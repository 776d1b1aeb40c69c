"""virtual_server blocks and the real servers in them.

What a real server does not say it has from its virtual server, wherever in the block that stands; only the
forwarding method is what it was when the real server was read, if it was set by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address
from typing import Any, Final

from pyvrrp.config.checks import CheckReader, Settings
from pyvrrp.config.forwarding import METHODS, Method, read_forwarding
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import BARE, UINT_MAX, parse_address, parse_integer
from pyvrrp.config.suggest import did_you_mean, port_apart
from pyvrrp.config.tree import Statement
from pyvrrp.config.values import Values, command, flag, integer, last_line, scalars, switch, text
from pyvrrp.errors import ProblemClass, Severity
from pyvrrp.model.checkers import BfdCheck, Checker, FileCheck, Follower
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import (
    Forwarding,
    GroupMark,
    Protocol,
    RealServer,
    ServiceFlag,
    ServiceKey,
    SorryServer,
    VirtualServer,
    VirtualServerGroup,
)
from pyvrrp.net import AF_INET, AF_INET6, Address, family

SCHEDULERS: Final = ("rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos")
PERSISTENCE_DEFAULT: Final = 360
"""Seconds."""
ENGINE_MAX: Final = 16
FLAGS: Final[Mapping[str, tuple[ServiceFlag, str]]] = {
    "ops": (ServiceFlag.ONE_PACKET, ""),
    "flag-1": (ServiceFlag.SCHED_1, ""),
    "flag-2": (ServiceFlag.SCHED_2, ""),
    "flag-3": (ServiceFlag.SCHED_3, ""),
    "sh-fallback": (ServiceFlag.SCHED_1, "sh"),
    "sh-port": (ServiceFlag.SCHED_2, "sh"),
    "mh-fallback": (ServiceFlag.SCHED_1, "mh"),
    "mh-port": (ServiceFlag.SCHED_2, "mh"),
}
"""Keyword to bit, and the scheduler that must have been set before."""
PLAIN: Final = Method(Forwarding.NAT)


OWN: Final = frozenset({"weight", "uthreshold", "lthreshold"})
"""What a real server says of itself alone."""


@dataclass(slots=True)
class Pool:
    """A virtual server while its block is read."""

    block: Statement
    endpoint: Endpoint | None
    fwmark: int
    values: dict[str, object]
    protocol: Protocol | None = None
    scheduler: str | None = None
    method: Method | None = None
    flags: int = 0
    netmask: IPv4Address | int | None = None
    family: int | None = None
    sorry: SorryServer | None = None
    sorry_at: Statement | None = None
    sorry_method: Method | None = None
    servers: list[tuple[Statement, Endpoint, Method | None]] = field(default_factory=list)
    grouped: bool = False
    """virtual_server group NAME."""
    group: VirtualServerGroup | None = None

    @property
    def marked(self) -> bool:
        """It serves firewall marks."""
        return bool(self.fwmark or (self.group is not None and self.group.marks))

    @property
    def addressed(self) -> bool:
        """It serves addresses."""
        return self.endpoint is not None or (self.group is not None and bool(self.group.ranges))

    @property
    def name(self) -> str:
        return " ".join(self.block.words[1:])


def build_virtual_server(
    block: Statement,
    groups: Mapping[str, VirtualServerGroup],
    ordinals: dict[str, int],
    settings: Settings,
    problems: Problems,
) -> VirtualServer | None:
    """The virtual server; None if it is left out, which a problem says then.

    `ordinals`: how many virtual servers each group has by now.
    """
    if len(block.words) < 2:
        return None
    pool = _pool(block, groups, problems)
    if pool is None:
        return None
    for child in block.children:
        _read(pool, child, problems)
    if pool.grouped and pool.group is None:
        return None
    return _finish(pool, ordinals, settings, problems)


def _pool(block: Statement, groups: Mapping[str, VirtualServerGroup], problems: Problems) -> Pool | None:
    words = block.words
    if words[1] == "group":
        if len(words) < 3:
            problems.error(block.line, "the name of the group is missing", "the block is skipped")
            return None
        group = groups.get(words[2])
        if group is None:
            suggestion = did_you_mean(words[2], groups, f"write `virtual_server_group {words[2]} {{ … }}`")
            message = f"there is no virtual_server_group {words[2]} that can be used"
            effect = "the virtual server is left out"
            problems.add(block.line, Severity.ERROR, message, effect, word=2, suggestion=suggestion)
        return Pool(block, None, 0, scalars(block), grouped=True, group=group)
    if words[1] == "fwmark":
        mark = parse_integer(words[2], 1, UINT_MAX) if len(words) > 2 else "its number is missing"
        if isinstance(mark, str):
            problems.error(block.line, f"fwmark: {mark}", "the virtual server is left out", word=min(2, len(words) - 1))
            return None
        return Pool(block, None, mark, scalars(block))
    endpoint = _endpoint(block, "the virtual server is left out", problems)
    if endpoint is None:
        return None
    return Pool(block, endpoint, 0, scalars(block), family=family(endpoint.address))


def _endpoint(statement: Statement, effect: str, problems: Problems) -> Endpoint | None:
    """ADDRESS [PORT] after the keyword; port 0 where none is given."""
    words = statement.words
    host, slash, _ = words[1].partition("/")
    address: Address | None = parse_address(host)
    if address is None:
        suggestion = port_apart(host, f"{words[0]} ")
        problems.error(statement.line, f"`{words[1]}` is not an IP address", effect, word=1, suggestion=suggestion)
        return None
    if slash:
        problems.notice(statement.line, f"`{words[1]}` has a prefix length", "it is ignored", word=1)
    if len(words) < 3 or not words[2].strip("0"):
        return Endpoint(address, 0)
    port = parse_integer(words[2], 1, 65535)
    if isinstance(port, str):
        problems.error(statement.line, f"port: {port}", effect, word=2, kind=ProblemClass.INVALID_NUMBER)
        return None
    return Endpoint(address, port)


# ---- one keyword after the other


def _read(pool: Pool, child: Statement, problems: Problems) -> None:
    word = child.words[0]
    if word == "real_server":
        _read_real_server(pool, child, problems)
    elif word in ("lb_algo", "lvs_sched"):
        if child.value in SCHEDULERS:
            pool.scheduler = text({word: child.value}, word)
        elif child.value is not None:
            suggestion = did_you_mean(str(child.value), SCHEDULERS, f"one of {' '.join(SCHEDULERS)}")
            message = f"`{child.value}` is not a scheduler"
            problems.error(child.line, message, word=1, suggestion=suggestion)
    elif word in ("lb_kind", "lvs_method"):
        if len(child.words) > 1:
            pool.method = _method(pool, child, pool.method, problems)
    elif word == "protocol":
        _read_protocol(pool, child, problems)
    elif word in FLAGS:
        bit, scheduler = FLAGS[word]
        if scheduler and pool.scheduler != scheduler:
            message = f"`{word}` is for scheduler {scheduler}, which must be set before"
            problems.error(child.line, message)
        else:
            pool.flags |= bit
    elif word == "hashed" and pool.scheduler not in ("sh", "mh"):
        problems.error(child.line, "`hashed` is for the schedulers sh and mh")
    elif word == "ip_family" and isinstance(child.value, str):
        _fix_family(pool, AF_INET if child.value == "inet" else AF_INET6, child, problems)
    elif word == "persistence_granularity" and isinstance(child.value, str):
        _read_granularity(pool, child, child.value, problems)
    elif word == "persistence_engine" and isinstance(child.value, str) and len(child.value) > ENGINE_MAX:
        effect = f"the first {ENGINE_MAX} characters are used"
        problems.error(child.line, f"the name is longer than {ENGINE_MAX} characters", effect, word=1)
    elif word == "sorry_server_inhibit" or (word.startswith("sorry_server") and len(child.words) > 1):
        _read_sorry_server(pool, child, problems)
    elif word == "sorry_server_lvs_method" and pool.sorry is not None:
        problems.fatal(child.line, f"`{word}` lacks its argument", kind=ProblemClass.MISSING_PARAMETER)


def _method(pool: Pool, child: Statement, before: Method | None, problems: Problems) -> Method | None:
    """The method that the statement sets; as before if it is wrong."""
    method = read_forwarding(child, problems)
    return before if method is None else method


def _read_protocol(pool: Pool, child: Statement, problems: Problems) -> None:
    if not isinstance(child.value, str):
        return
    name = child.value.upper()
    if name not in Protocol.__members__:
        message = f"`{child.value}` is not a protocol"
        problems.error(child.line, message, word=1, suggestion="write TCP, UDP or SCTP")
    elif pool.fwmark or (pool.group is not None and not pool.addressed):
        problems.error(child.line, "a firewall mark has no protocol", word=1)
    else:
        pool.protocol = Protocol[name]


def _read_granularity(pool: Pool, child: Statement, value: str, problems: Problems) -> None:
    kind = pool.family or (AF_INET if "." in value else AF_INET6)
    if kind == AF_INET:
        mask = parse_address(value)
        if mask is None and value.isascii() and value.isdigit() and len(value) < 10:
            mask = IPv4Address(int(value))
            message = f"`{value}` is read as the mask {mask}"
            problems.notice(child.line, message, "as keepalived does", word=1)
        if not isinstance(mask, IPv4Address):
            message = f"`{value}` is not an IPv4 mask"
            problems.error(child.line, message, word=1, suggestion="write it as 255.255.255.0")
            return
        pool.netmask = mask
    else:
        prefix = parse_integer(value, 1, 128)
        if isinstance(prefix, str):
            message = f"prefix length: {prefix}"
            problems.error(child.line, message, word=1, kind=ProblemClass.INVALID_NUMBER)
            return
        pool.netmask = prefix
    pool.family = kind
    pool.values.setdefault("persistence_timeout", PERSISTENCE_DEFAULT)


def _fix_family(pool: Pool, kind: int, child: Statement, problems: Problems) -> bool:
    """The family of a service; False, and told, if it is another one already."""
    if pool.family is None:
        pool.family = kind
    if pool.family == kind:
        return True
    message = f"the virtual server is IPv{4 if pool.family == AF_INET else 6}"
    effect = "ignored" if child.word == "ip_family" else f"{child.word} {child.words[1]} is left out"
    problems.error(child.line, message, effect, word=1)
    return False


def _read_sorry_server(pool: Pool, child: Statement, problems: Problems) -> None:
    if child.word == "sorry_server":
        endpoint = _endpoint(child, "there is no sorry server", problems)
        if endpoint is not None:
            if pool.sorry is not None:
                message = f"the sorry server was {pool.sorry.endpoint}"
                problems.notice(child.line, message, f"it is {endpoint} now", word=0)
            pool.sorry, pool.sorry_at = SorryServer(endpoint=endpoint), child
            pool.sorry_method = pool.method
    elif pool.sorry is None:
        problems.error(child.line, f"`{child.word}` must come after sorry_server")
    elif child.word == "sorry_server_inhibit":
        pool.sorry = SorryServer(endpoint=pool.sorry.endpoint, inhibit=True)
    else:
        pool.sorry_method = _method(pool, child, pool.sorry_method, problems)


def _read_real_server(pool: Pool, child: Statement, problems: Problems) -> None:
    if len(child.words) < 2:
        return
    endpoint = _endpoint(child, "the real server is left out", problems)
    if endpoint is None:
        return
    method = pool.method
    for inner in child.children:
        if inner.words[0] == "lvs_method" and len(inner.words) > 1:
            method = _method(pool, inner, method, problems)
    pool.servers.append((child, endpoint, method))


# ---- at the end of the block


def _finish(pool: Pool, ordinals: dict[str, int], settings: Settings, problems: Problems) -> VirtualServer | None:
    line, values = pool.block.line, pool.values
    key = None if pool.group is None else _group_key(pool.group, ordinals)
    servers = _real_servers(pool, settings, problems)
    if not servers:
        problems.error(line, f"virtual_server {pool.name} has no real servers", "it is left out")
        return None
    if pool.family is None and pool.fwmark:
        pool.family = _common_family(pool, servers)
    timeout = values.get("persistence_timeout", 0)
    timeout = PERSISTENCE_DEFAULT if timeout is BARE else integer(values, "persistence_timeout", 0)
    protocol = None
    if pool.addressed:
        if pool.protocol is None:
            problems.error(
                line, f"virtual_server {pool.name} has no protocol", "UDP is used", suggestion="add `protocol TCP`"
            )
        protocol = pool.protocol or Protocol.UDP
        if _without_port(pool) and not timeout:
            message = "a virtual server without a port must be persistent"
            problems.error(line, message, f"persistence_timeout {PERSISTENCE_DEFAULT} is used")
            timeout = PERSISTENCE_DEFAULT
        if pool.flags & ServiceFlag.ONE_PACKET and protocol is not Protocol.UDP:
            problems.error(line, "one-packet scheduling (ops) is for UDP only", "ops is ignored")
            pool.flags &= ~ServiceFlag.ONE_PACKET
    suspend = flag(values, "ha_suspend")
    if suspend and pool.marked:
        at = last_line(pool.block, "ha_suspend")
        problems.error(at, "ha_suspend is for addresses, and a firewall mark has none")
        suspend = False
    if pool.scheduler is None:
        effect = "wlc is used"
        problems.error(
            line, f"virtual_server {pool.name} has no (valid) lb_algo", effect, suggestion="add `lb_algo wlc`"
        )
    quorum, hysteresis = _quorum(pool, servers, problems)
    engine = text(values, "persistence_engine")
    group = None if pool.group is None else _served(pool, pool.group, servers, problems)
    if key is not None:
        key = replace(key, protocol=protocol)
    elif pool.endpoint is not None and protocol is not None:
        key = ServiceKey.of(pool.endpoint, protocol)
    else:
        key = ServiceKey(pool.family or AF_INET, None, None, pool.fwmark)
    return VirtualServer(
        key=key,
        scheduler=pool.scheduler or "wlc",
        flags=pool.flags,
        persistence_timeout=timeout,
        persistence_netmask=pool.netmask,
        persistence_engine=engine[:ENGINE_MAX] if engine else None,
        quorum=quorum,
        hysteresis=hysteresis,
        sorry_server=_sorry_server(pool, problems),
        omega=flag(values, "omega"),
        real_servers=tuple(servers),
        group=group,
        ha_suspend=suspend,
        quorum_up=command(pool.block, "quorum_up"),
        quorum_down=command(pool.block, "quorum_down"),
        smtp_alert=switch(values, "smtp_alert"),
        virtualhost=text(values, "virtualhost"),
        snmp_name=text(values, "snmp_name"),
    )


def _common_family(pool: Pool, servers: list[RealServer]) -> int | None:
    """Of a mark whose servers are all behind tunnels."""
    addresses = [server.endpoint.address for server in servers]
    if pool.sorry is not None:
        addresses.append(pool.sorry.endpoint.address)
    first, *others = {family(address) for address in addresses}
    return None if others else first


def _without_port(pool: Pool) -> bool:
    if pool.group is not None:
        return not all(range_.port for range_ in pool.group.ranges)
    return pool.endpoint is not None and pool.endpoint.port == 0


def _group_key(group: VirtualServerGroup, ordinals: dict[str, int]) -> ServiceKey:
    ordinal = ordinals[group.name] = ordinals.get(group.name, -1) + 1
    return ServiceKey(0, None, None, group=group.name, ordinal=ordinal)


def _served(pool: Pool, group: VirtualServerGroup, servers: list[RealServer], problems: Problems) -> VirtualServerGroup:
    """The entries that the servers can serve, with their family for each mark that says none."""
    kind = pool.family or AF_INET
    ranges, marks = group.ranges, group.marks
    if any(server.forwarding is not Forwarding.TUN for server in servers):
        ranges = tuple(range_ for range_ in ranges if family(range_.first) == kind)
        marks = tuple(mark for mark in marks if mark.family in (None, kind))
        lost = len(group.ranges) + len(group.marks) - len(ranges) - len(marks)
        if lost:
            entries = "1 entry" if lost == 1 else f"{lost} entries"
            message = f"{entries} of group {group.name} {'is' if lost == 1 else 'are'} not of the servers' family"
            effect = "left out: only TUN leads from one family to the other"
            problems.add(pool.block.line, Severity.ERROR, message, effect, word=2)
    marks = tuple(mark if mark.family else GroupMark(mark.mark, kind) for mark in marks)
    return group if (ranges, marks) == (group.ranges, group.marks) else replace(group, ranges=ranges, marks=marks)


def _quorum(pool: Pool, servers: list[RealServer], problems: Problems) -> tuple[int, int]:
    """keepalived lowers what can never be reached; with weights of 0 only, quorum is 0 and never reached."""
    quorum, hysteresis = integer(pool.values, "quorum", 1), integer(pool.values, "hysteresis", 0)
    line, total = pool.block.line, sum(server.weight for server in servers)
    if quorum > total:
        message = f"quorum {quorum} is more than all weights together ({total})"
        effect = f"quorum is {total}" if total else "quorum is never reached"
        problems.warning(line, message, effect)
        quorum = total
    if hysteresis >= quorum:
        lowered = quorum - 1 if quorum else UINT_MAX
        if quorum:
            message = f"hysteresis {hysteresis} is not less than quorum {quorum}"
            effect = f"hysteresis is {lowered}"
            problems.warning(line, message, effect)
        hysteresis = lowered
    return quorum, hysteresis


def _rarer(statement: Statement, own: Values) -> dict[str, Any]:
    """What few real servers say."""
    return {
        "notify_up": command(statement, "notify_up") if "notify_up" in own else None,
        "notify_down": command(statement, "notify_down") if "notify_down" in own else None,
        "smtp_alert": switch(own, "smtp_alert"),
        "virtualhost": text(own, "virtualhost"),
        "snmp_name": text(own, "snmp_name"),
    }


def _real_servers(pool: Pool, settings: Settings, problems: Problems) -> list[RealServer]:
    # By number: to hash an address costs more than to read it.
    built: dict[tuple[type, int, int], RealServer] = {}
    defaulted = False
    weight = integer(pool.values, "weight", 1)
    checks = CheckReader(pool.values, settings, problems)
    for statement, written, own_method in pool.servers:
        method = own_method or pool.method
        if method is None:
            defaulted, method = True, PLAIN
        tunnelled = method.forwarding is Forwarding.TUN
        if not tunnelled and not _fix_family(pool, family(written.address), statement, problems):
            continue
        endpoint = _port(pool, statement, written, method.forwarding, problems)
        place = type(endpoint.address), int(endpoint.address), endpoint.port
        if place in built:
            problems.error(statement.line, f"real server {endpoint} is here already", "this one is left out", word=1)
            continue
        own = scalars(statement)
        # Mostly a weight alone: then what holds for the virtual server holds here.
        plain = OWN.issuperset(own)
        inherited = pool.values if plain else {**pool.values, **own}
        checkers: list[Checker] = []
        followers: list[Follower] = []
        # Who writes a port means to ask there, whatever the traffic's port is.
        asked = written if written.port else endpoint
        for check in checks.read(statement.children, asked, inherited):
            if isinstance(check, (FileCheck, BfdCheck)):
                followers.append(check)
            else:
                checkers.append(check)
        built[place] = RealServer(
            endpoint=endpoint,
            weight=integer(own, "weight", weight),
            forwarding=method.forwarding,
            tunnel=method.tunnel,
            upper_threshold=integer(own, "uthreshold", 0),
            lower_threshold=integer(own, "lthreshold", 0),
            inhibit_on_failure=flag(inherited, "inhibit_on_failure"),
            checkers=tuple(checkers),
            followers=tuple(followers),
            **({} if plain else _rarer(statement, own)),
        )
    if defaulted:
        message = f"virtual_server {pool.name} has no (valid) lb_kind"
        problems.error(pool.block.line, message, "NAT is used", suggestion=f"add `lb_kind {METHODS[0]}`")
    return list(built.values())


def _port(pool: Pool, statement: Statement, written: Endpoint, forwarding: Forwarding, problems: Problems) -> Endpoint:
    """The port as programmed: only NAT can change it."""
    if pool.group is not None:
        if forwarding is not Forwarding.NAT and written.port:
            _check_group_ports(pool, pool.group, statement, written, forwarding, problems)
        return written
    if pool.endpoint is None:
        if forwarding is Forwarding.NAT or written.port == 0:
            return written
        message = "with a firewall mark and DR or TUN the port is the client's"
        problems.error(statement.line, message, "the port is ignored", word=2)
        return Endpoint(written.address, 0)
    port = pool.endpoint.port
    if written.port == port or (forwarding is Forwarding.NAT and written.port):
        return written
    if written.port and forwarding is not Forwarding.NAT:
        message = f"{forwarding.name} cannot change the port: it is {port} as the client asked"
        problems.error(statement.line, message, f"port {port} is used", word=2)
    return Endpoint(written.address, port)


def _check_group_ports(
    pool: Pool,
    group: VirtualServerGroup,
    statement: Statement,
    written: Endpoint,
    forwarding: Forwarding,
    problems: Problems,
) -> None:
    """A group's entries may have several ports, and DR and TUN change none."""
    other = next((range_ for range_ in group.ranges if range_.port != written.port), None)
    if group.marks or (other is not None and statement.word == "sorry_server"):
        message = f"with {forwarding.name} the port is the client's"
        problems.error(statement.line, message, "the port is ignored", word=2)
    elif other is not None:
        message = f"{forwarding.name} cannot change the port: `{other}` of group {group.name} has another one"
        problems.error(statement.line, message, "the port that the client asked for is used", word=2)


def _sorry_server(pool: Pool, problems: Problems) -> SorryServer | None:
    sorry, statement = pool.sorry, pool.sorry_at
    if sorry is None or statement is None:
        return None
    method = pool.sorry_method or pool.method or PLAIN
    endpoint = sorry.endpoint
    tunnelled = method.forwarding is Forwarding.TUN
    if not tunnelled and not _fix_family(pool, family(endpoint.address), statement, problems):
        return None
    if method.forwarding is not Forwarding.NAT:
        endpoint = _port(pool, statement, endpoint, method.forwarding, problems)
    return SorryServer(endpoint=endpoint, forwarding=method.forwarding, tunnel=method.tunnel, inhibit=sorry.inhibit)
