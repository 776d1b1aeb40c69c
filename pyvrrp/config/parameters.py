"""``$NAME=value`` definitions and their use: ``$NAME``, ``${NAME}``, and the predefined ones.

Replacement is textual and goes on in what was put in (a value is expanded when it is used, so that a later
redefinition counts). A parameter that leads back to itself would go on for ever, as it does in keepalived; a
bound on the number of replacements in one line stops it here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

# Compiled when first used, not when the daemon starts: few files have parameters.
REFERENCE: Final = r"(?a)\$\{([A-Za-z_]\w*)((?: +\w+)*)\}|\$([A-Za-z_]\w*)(?=[ \t,)]|$)"
DEFINITION: Final = r"(?as)\$([A-Za-z_]\w*)=[ \t]*(.*)"

LIMIT: Final = 1023
"""Characters of a line after replacement (keepalived's MAXBUF); also the replacements in one line."""

RANDOM_MAX: Final = 32767


@dataclass(slots=True)
class Definition:
    """A parameter."""

    value: str
    lines: list[str] | None
    """The body of a multi-line definition; `value` is then empty."""
    where: str
    """``FILE:LINE``; empty for a predefined one."""


@dataclass(slots=True)
class Replacement:
    """What became of a line."""

    text: str
    used: list[str] = field(default_factory=list)
    """``expanded from $NAME (FILE:LINE)``, each once, in the order of use."""
    rest: Definition | None = None
    """A multi-line parameter that ends the line: its lines follow, the first of them after `text`."""
    undefined: list[str] = field(default_factory=list)
    error: str | None = None
    """The line is unusable."""


@dataclass(slots=True)
class Parameters:
    """All definitions so far."""

    config_id: str
    environment: Mapping[str, str]
    seed: int = 0
    """Where ``${_RANDOM}`` starts."""
    random: Random | None = None
    directory: str = ""
    """What ``${_PWD}`` stands for now."""
    defined: dict[str, Definition] = field(default_factory=dict)

    def define(self, name: str, value: str, where: str, lines: list[str] | None = None) -> None:
        self.defined[name] = Definition(value, lines, where)

    def replace(self, text: str) -> Replacement:
        """The line with all references replaced."""
        result = Replacement(text)
        position = count = 0
        reference = re.compile(REFERENCE)
        while match := reference.search(result.text, position):
            name = match[1] or match[3]
            definition = self.defined.get(name)
            if definition is None:
                definition = self._predefined(name, (match[2] or "").split())
            elif match[2]:
                definition = None
            if definition is None:
                result.undefined.append(name)
                position = match.end()
                continue
            note = f"expanded from ${name} ({definition.where})" if definition.where else f"expanded from ${name}"
            if definition.lines is not None:
                if match.end() != len(result.text):
                    position = match.end()
                    continue
                result.used.append(note)
                result.text = result.text[: match.start()]
                result.rest = definition
                return result
            if note not in result.used:
                result.used.append(note)
            count += 1
            length = len(result.text) - (match.end() - match.start()) + len(definition.value)
            if count > LIMIT:
                result.error = f"parameter {name} leads back to itself"
                return result
            if length > LIMIT:
                result.error = f"with ${name} in place the line is longer than {LIMIT} characters"
                return result
            result.text = result.text[: match.start()] + definition.value + result.text[match.end() :]
            position = match.start()
        return result

    def _predefined(self, name: str, arguments: list[str]) -> Definition | None:
        function = PREDEFINED.get(name)
        value = function(self, arguments) if function else None
        return None if value is None else Definition(value, None, "")


def _random(parameters: Parameters, arguments: list[str]) -> str | None:
    if len(arguments) > 2 or not all(number.isdigit() and len(number) < 10 for number in arguments):
        return None
    if parameters.random is None:
        from random import Random

        parameters.random = Random(parameters.seed)
    low = int(arguments[0]) if arguments else 0
    high = int(arguments[1]) if len(arguments) > 1 else RANDOM_MAX
    return str(parameters.random.randint(low, max(low, high)))


def _environment(parameters: Parameters, arguments: list[str]) -> str | None:
    return parameters.environment.get(arguments[0], "") if len(arguments) == 1 else None


PREDEFINED: Final[Mapping[str, Callable[[Parameters, list[str]], str | None]]] = {
    "_PWD": lambda parameters, arguments: None if arguments else parameters.directory,
    "_INSTANCE": lambda parameters, arguments: None if arguments else parameters.config_id,
    "_HASH": lambda parameters, arguments: None if arguments else "#",
    "_BANG": lambda parameters, arguments: None if arguments else "!",
    "_RANDOM": _random,
    "_ENV": _environment,
}
