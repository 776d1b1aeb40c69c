"""The VRRP state diagram of docs/architecture.md, made from the transition table so that it cannot lie.

python docs/state_diagram.py          print it
python docs/state_diagram.py --write  put it into docs/architecture.md
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from pyvrrp.core.vrrp.machine import Machine
from pyvrrp.model.vrrp import State

DOCUMENT = Path(__file__).with_name("architecture.md")
_BLOCK = re.compile(r"(?<=<!-- state diagram -->\n).*?(?=<!-- end -->)", re.DOTALL)


def diagram() -> str:
    """A Mermaid state diagram: an arrow for each pair of states, with all that leads along it."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for (state, kind), edge in Machine.TABLE.items():
        if edge.target is not None:
            arrows.setdefault((state, edge.target), []).append(kind.value)
    lines = ["```mermaid", "stateDiagram-v2", "    [*] --> INIT"]
    lines += [f"    {old.name} --> {new.name}: {' / '.join(kinds)}" for (old, new), kinds in arrows.items()]
    lines += [f"    {end.name} --> [*]" for end in (State.STOP, State.DELETED)]
    return "\n".join([*lines, "```", ""])


def written(text: str) -> str:
    """The document with the diagram of this moment."""
    return _BLOCK.sub(lambda _: diagram(), text)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(written(DOCUMENT.read_text()))
    else:
        sys.stdout.write(diagram())
