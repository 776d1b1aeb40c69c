"""What was made of a configuration the last time, so that a reload costs what changed, not what there is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyvrrp.config.problems import Problems
from pyvrrp.config.tree import Statement

if TYPE_CHECKING:
    from pyvrrp.config.load import Loaded
    from pyvrrp.config.source import Source
    from pyvrrp.model.lvs import VirtualServer


@dataclass(slots=True)
class Memory:
    source: Source | None = None
    loaded: Loaded | None = None
    blocks: dict[Hashable, VirtualServer] = field(default_factory=dict)
    """By the text of their blocks and what else they depend on; those of which there is nothing to be told."""
    _next: dict[Hashable, VirtualServer] = field(default_factory=dict)

    def begin(self) -> None:
        self._next = {}

    def end(self, source: Source, loaded: Loaded) -> None:
        """Only what was met this time is remembered."""
        self.source, self.loaded, self.blocks = source, loaded, self._next

    def recall(self, source: Source) -> Loaded | None:
        """What was made of the very same lines."""
        last = self.source
        if last is None or self.loaded is None:
            return None
        same = (last.name, last.places, last.problems) == (source.name, source.places, source.problems)
        return self.loaded if same and last.lines == source.lines else None

    def build(
        self,
        block: Statement,
        surroundings: Hashable,
        problems: Problems,
        make: Callable[[], VirtualServer | None],
    ) -> VirtualServer | None:
        """What the block says, made anew only where it or its surroundings changed."""
        key = (surroundings, tuple(_texts(block)))
        before = len(problems.found)
        made = self.blocks.get(key) or make()
        if made is not None and len(problems.found) == before:
            self._next[key] = made
        return made


def _texts(block: Statement) -> Iterator[str]:
    yield block.line.text
    for child in block.children:
        if child.children:
            yield "{"
            yield from _texts(child)
            yield "}"
        else:
            yield child.line.text
