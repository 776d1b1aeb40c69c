"""A file system in memory, and short ways from text to what comes of it."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from pyvrrp.config import Loaded, expand, load
from pyvrrp.config.source import Source
from pyvrrp.errors import ConfigProblem, Severity, UnreadableError

MAIN = "/etc/keepalived.conf"


class MemoryFiles:
    """`FileReader`; what is not there, or is None, cannot be read."""

    def __init__(self, files: Mapping[str, str | bytes | None]) -> None:
        self.files = files

    def glob(self, pattern: str) -> list[str]:
        return sorted(name for name in self.files if fnmatchcase(name, pattern))

    def read(self, path: str) -> bytes:
        content = self.files.get(path)
        if content is None:
            raise UnreadableError("it is not a regular file")
        return content.encode() if isinstance(content, str) else content

    def directory(self) -> str:
        return "/start"


def source(text: str | bytes, config_id: str = "host", **others: str | None) -> Source:
    """The main file is `text`; other files by name, `_` for `/` and `.conf` after it, in /etc."""
    files: dict[str, str | bytes | None] = {f"/etc/{name}.conf": content for name, content in others.items()}
    return expand(MAIN, MemoryFiles(files | {MAIN: text}), config_id, {"HOME": "/root"}, seed=7)


def lines(text: str | bytes, config_id: str = "host", **others: str | None) -> list[str]:
    """The logical lines, where nothing is wrong with them."""
    expanded = source(text, config_id, **others)
    assert expanded.problems == []
    return [line.text for line in expanded.lines]


def loaded(text: str | bytes) -> Loaded:
    return load(source(text))


def told(problems: tuple[ConfigProblem, ...] | list[ConfigProblem]) -> list[tuple[int, Severity, str]]:
    """Line, severity and message of each."""
    return [(problem.span.line, problem.severity, problem.message) for problem in problems]


def only(problems: tuple[ConfigProblem, ...] | list[ConfigProblem]) -> ConfigProblem:
    """The one problem that there is."""
    assert len(problems) == 1, told(problems)
    return problems[0]
