"""A configuration written out, as a keepalived.conf that loads to the same `Config`.

Statements come from the tree, so that nothing the parser accepted is lost; the effective values come from the
model (`pyvrrp.config.effective`), in the place of what was written or, where nothing was, as a default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar

from pyvrrp.config.checks import ASKING
from pyvrrp.config.effective import CONNECT, GLOBAL_DEFS, INSTANCE, REAL_SERVER, ROOT, TIMING, VIRTUAL_SERVER, Row
from pyvrrp.config.lexer import CODE
from pyvrrp.config.load import load
from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import parse_address
from pyvrrp.config.schema import schema
from pyvrrp.config.source import Line, Source, printable
from pyvrrp.config.tree import Statement, parse
from pyvrrp.model.checkers import Asking
from pyvrrp.model.config import Config
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import Protocol, RealServer, ServiceKey, VirtualServer

INDENT: Final = "    "
COLUMN: Final = 50
"""Where origins begin."""
SECRETS: Final = frozenset({"auth_pass", "password"})
MASK: Final = "********"
DEFAULT: Final = "default"
NO_LINE: Final = Line(0, 0, 0, "", "")

T = TypeVar("T")


@dataclass(slots=True)
class Node:
    """A line to be written, with what stands in its block."""

    text: str
    origin: str
    word: str
    opens: bool = False
    children: list[Node] = field(default_factory=list)


def render(source: Source, *, show_secrets: bool = False, origins: bool = False) -> str:
    """The effective configuration; loading it gives the same `Config`, if the secrets are shown.

    With `origins` a comment behind each line says where its value comes from.
    """
    nodes = _Renderer(source).nodes()
    return "".join(_lines(nodes, 0, show_secrets, origins, ""))


class _Renderer:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.root = parse(source, Problems(source))
        self.config: Config = load(source).config
        self.global_words: dict[str, Line] = {}
        for block in self.root.children:
            if block.word == "global_defs":
                self.global_words |= {child.word: child.line for child in block.children if child.value is not None}

    def nodes(self) -> list[Node]:
        definitions = self.config.global_defs
        instances = {instance.name: instance for instance in self.config.vrrp_instances}
        servers: dict[str | None, VirtualServer | None] = {}
        for server in self.config.virtual_servers:
            servers[_name(server)] = None if _name(server) in servers else server
        global_blocks = [block for block in self.root.children if block.word == "global_defs"]
        if not global_blocks:
            made = Statement(schema()["/"]["global_defs"], ["global_defs"], NO_LINE)
            self.root.children.insert(0, made)
            global_blocks = [made]
        nodes = []
        groups = {server.key.group: -1 for server in self.config.virtual_servers}
        for child in self.root.children:
            if child.word == "global_defs":
                last = child is global_blocks[-1]
                node = self._block(child, GLOBAL_DEFS, definitions) if last else self._node(child)
                if node.children:
                    nodes.append(node)
            elif child.word == "vrrp_instance" and len(child.words) == 2 and child.words[1] in instances:
                nodes.append(self._block(child, INSTANCE, instances.pop(child.words[1])))
            elif child.word == "virtual_server":
                pool = servers.pop(_key(child, groups), None)
                nodes.append(self._node(child) if pool is None else self._virtual_server(child, pool))
            else:
                nodes.append(self._node(child))
        return self._fill(nodes, self.root, ROOT, definitions, ())

    def _virtual_server(self, block: Statement, server: VirtualServer) -> Node:
        node = self._block(block, VIRTUAL_SERVER, server)
        waiting = list(server.real_servers)
        blocks = [child for child in block.children if child.word == "real_server"]
        nodes = [child for child in node.children if child.word == "real_server"]
        for child, inner in zip(blocks, nodes, strict=True):
            if waiting and _is(child, waiting[0], server):
                self._real_server(child, inner, waiting.pop(0), block)
        return node

    def _real_server(self, block: Statement, node: Node, server: RealServer, pool: Statement) -> None:
        node.children = self._fill(node.children, block, REAL_SERVER, server, (pool,))
        checks = [child for child in block.children if child.word in ASKING]
        nodes = [child for child in node.children if child.word in ASKING]
        if len(checks) != len(server.checkers):
            return
        for child, inner, checker in zip(checks, nodes, server.checkers, strict=True):
            alone = all(grandchild.word != "host" for grandchild in child.children)
            if alone and isinstance(checker, Asking):  # a target written beside its hosts would be one more
                inner.children = self._fill(inner.children, child, CONNECT, checker.connect, (block, pool))
            inner.children = self._fill(inner.children, child, TIMING, checker.timing, (block, pool))

    # ---- one block

    def _block(self, block: Statement, rows: Iterable[Row[T]], model: T) -> Node:
        node = self._node(block)
        node.children = self._fill(node.children, block, rows, model, ())
        return node

    def _node(self, statement: Statement) -> Node:
        row = statement.row
        opens = row is not None and row.opens is not None
        text = _text(statement)
        node = Node(text, self._place(statement.line), statement.word, opens)
        usable = [child for child in statement.children if _usable(child)]
        node.children = [self._node(child) for child in usable]
        return node

    def _fill(
        self, nodes: list[Node], block: Statement, rows: Iterable[Row[T]], model: T, around: tuple[Statement, ...]
    ) -> list[Node]:
        """The block's lines with effective values; defaults go before the first block in it."""
        path = block.row.opens if block.row is not None and block.row.opens is not None else "/"
        added = []
        for row in rows:
            line = row.line(model)
            if not line or row.words[0] not in schema()[path]:
                continue
            written = [node for node in nodes if node.word in row.words and not node.opens]
            if not written:
                added.append(Node(line, self._inherited(row.words, around, block), row.words[0]))
            elif not row.written_stays:
                last = written[-1]
                if last.text.split() != line.split():
                    last.origin += f", written as `{last.text}`"
                last.text, last.word = line, row.words[0]
                nodes = [node for node in nodes if node is last or node not in written[:-1]]
        at = next((index for index, node in enumerate(nodes) if node.opens), len(nodes))
        return nodes[:at] + added + nodes[at:]

    def _inherited(self, words: tuple[str, ...], around: tuple[Statement, ...], block: Statement) -> str:
        for outer in around:
            found = [child.line for child in outer.children if child.word in words and _usable(child)]
            if found:
                return self._place(found[-1])
        if block.word == "vrrp_instance":
            for word in (*words, *(f"vrrp_{word}" for word in words), "vrrp_mcast_group4"):
                if word in self.global_words and (word != "vrrp_mcast_group4" or "mcast_dst_ip" in words):
                    return self._place(self.global_words[word])
        return DEFAULT

    def _place(self, line: Line) -> str:
        if line.number == 0:
            return DEFAULT
        place = self.source.places[line.place]
        return ", ".join((f"{place.file}:{line.number}", *reversed(place.origin)))


def _name(server: VirtualServer) -> str:
    """By what the block of a virtual server is recognized; a mark may be there for IPv4 and for IPv6."""
    return f"fwmark {server.key.fwmark}" if server.key.fwmark else str(server.key)


def _key(block: Statement, groups: dict[str | None, int]) -> str | None:
    """The same, from the block; None if it can be none. `groups`: the last number given to a block of each group."""
    words = [*block.words[1:], "", ""]
    if words[0] == "group":
        if words[1] not in groups:
            return None
        groups[words[1]] += 1
        return str(ServiceKey(0, None, None, group=words[1], ordinal=groups[words[1]]))
    protocol = Protocol.UDP
    for child in block.children:
        if child.word == "protocol" and str(child.value).upper() in Protocol.__members__:
            protocol = Protocol[str(child.value).upper()]
    if words[0] == "fwmark":
        return f"fwmark {words[1].lstrip('0')}"
    address = parse_address(words[0].partition("/")[0])
    port = words[1].lstrip("0") or "0"
    if address is None or not (port.isascii() and port.isdigit()):
        return None
    return str(ServiceKey.of(Endpoint(address, int(port[:6])), protocol))


def _is(statement: Statement, server: RealServer, pool: VirtualServer) -> bool:
    """Whether the server may have been built from the statement."""
    words = statement.words
    if len(words) < 2 or parse_address(words[1].partition("/")[0]) != server.endpoint.address:
        return False
    ports = {0, pool.key.endpoint.port if pool.key.endpoint is not None else 0}
    if len(words) > 2 and words[2].isascii() and words[2].isdigit():
        ports.add(int(words[2]))
    return server.endpoint.port in ports


def _usable(statement: Statement) -> bool:
    """Not refused by its reader."""
    row = statement.row
    return row is None or row.read is None or statement.value is not None


def _text(statement: Statement) -> str:
    """The statement as a line that reads as it did; in double quotes nothing needs protection."""
    text = statement.line.text or " ".join(statement.words)
    return re.sub(r'"[^"]*(?:"|$)|(?<!\\)[#!]', lambda match: match[0] if match[0][0] == '"' else f"\\{match[0]}", text)


def _lines(nodes: Iterable[Node], depth: int, show: bool, origins: bool, block: str) -> Iterator[str]:
    for node in nodes:
        text = node.text if show else _masked(node, block)
        if node.opens and text.count('"') % 2:
            text = text[: text.rindex('"')].rstrip()  # what nobody closed is dropped, and would take the brace in
        line = INDENT * depth + text + (" {" if node.opens else "")
        if origins and _closed(line):
            line = f"{line.ljust(COLUMN)}  # {printable(node.origin)}"
        yield line + "\n"
        if node.opens:
            yield from _lines(node.children, depth + 1, show, origins, node.word)
            yield INDENT * depth + "}\n"
            if depth == 0:
                yield "\n"


def _closed(line: str) -> bool:
    """Whether a comment may follow: no quote is open, and no backslash would protect the #."""
    match = CODE.match(line)
    return line.count('"') % 2 == 0 and not line.endswith("\\") and match is not None and match.end() == len(line)


def _masked(node: Node, block: str) -> str:
    if node.word in SECRETS and not node.opens:
        return f"{node.word} {MASK}"
    if node.word == "key" and block == "auth_hmac":
        return " ".join([*node.text.split()[:2], MASK])
    return node.text
