"""Which hosts a configuration names, and where: whether their names lead to an address is not for this room to know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from pyvrrp.config.problems import Problems
from pyvrrp.config.readers import parse_address
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span


@dataclass(frozen=True, slots=True)
class HostUse:
    """One place where a host is named, not by address."""

    name: str
    span: Span


def mail_servers(root: Statement, problems: Problems) -> Iterator[HostUse]:
    for block in root.children:
        if block.word == "global_defs":
            for child in block.children:
                if child.word == "smtp_server" and len(child.words) > 1 and parse_address(child.words[1]) is None:
                    yield HostUse(child.words[1], problems.source.span(child.line, 1))


def unknown_hosts(uses: Iterable[HostUse], resolve: Callable[[str], str | None]) -> tuple[ConfigProblem, ...]:
    """A problem for each name for which `resolve` has a reason instead of None, as keepalived looks them up when it
    reads them."""
    reasons = {name: resolve(name) for name in {use.name for use in uses}}
    return tuple(
        ConfigProblem(
            span=use.span,
            severity=Severity.ERROR,
            message=f"`{use.name}` cannot be looked up: {reasons[use.name]}",
            effect="no mail is sent",
            kind=ProblemClass.GENERAL,
        )
        for use in uses
        if reasons[use.name] is not None
    )
