"""Keys of auth_hmac that stand in files of their own (``key 1 file:/etc/keepalived/key``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from pyvrrp.config.authentication import key_value
from pyvrrp.config.source import Source
from pyvrrp.config.tree import Statement
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span
from pyvrrp.model.config import Config
from pyvrrp.model.vrrp import VrrpInstance

ReadKey: TypeAlias = Callable[[str], tuple[str, bool] | str]
"""Path to the file's text, and whether others than its owner may read it; or why it cannot be read."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    instance: str
    number: int
    path: str
    span: Span


def key_files(
    blocks: Mapping[str, tuple[int, Statement]], instances: Iterable[VrrpInstance], source: Source
) -> tuple[KeyFile, ...]:
    """All that the instances name, with their places. `blocks`: the instances', by name."""
    found = []
    for instance in instances:
        keys = () if instance.auth_hmac is None else instance.auth_hmac.keys
        lines = [c.children for c in blocks[instance.name][1].children if c.word == "auth_hmac"] if keys else []
        for key in keys:
            written = f"file:{key.file}"
            line = next((c.line for c in lines[-1] if c.words[0] == "key" and c.words[2:3] == [written]), None)
            if key.file is not None and line is not None:
                found.append(KeyFile(instance.name, key.number, key.file, source.span(line, 2)))
    return tuple(found)


def with_keys(config: Config, files: Iterable[KeyFile], read: ReadKey) -> tuple[Config, list[ConfigProblem]]:
    """The configuration with the keys from their files, and without those that cannot be read."""
    problems: list[ConfigProblem] = []
    values: dict[tuple[str, int], bytes | None] = {}
    spans: dict[str, Span] = {}
    for file in files:
        spans[file.instance] = file.span
        values[file.instance, file.number] = None
        answer = read(file.path)
        value: bytes | str
        if isinstance(answer, str):
            value = answer
        else:
            text, open_to_others = answer
            value = key_value(text.strip())
            if open_to_others:
                message = f"{file.path} can be read by others than its owner"
                effect = "whoever has the key can sign in our name"
                advice = f"chmod go-rwx {file.path}"
                problems.append(_problem(file.span, Severity.WARNING, message, effect, ProblemClass.SECURITY, advice))
        if isinstance(value, str):
            message = f"key {file.number}, {file.path}: {value}"
            problems.append(_problem(file.span, Severity.ERROR, message, "the key is left out"))
        else:
            values[file.instance, file.number] = value
    instances = []
    for instance in config.vrrp_instances:
        read_in = _with_values(instance, values)
        if instance.auth_hmac is not None and read_in.auth_hmac is None:
            message = "the active_key of auth_hmac cannot be read"
            effect = f"auth_hmac of {instance.name} is off: adverts are not signed"
            problems.append(_problem(spans[instance.name], Severity.ERROR, message, effect))
        instances.append(read_in)
    return replace(config, vrrp_instances=tuple(instances)), problems


def _with_values(instance: VrrpInstance, values: Mapping[tuple[str, int], bytes | None]) -> VrrpInstance:
    hmac = instance.auth_hmac
    if hmac is None:
        return instance
    keys = []
    for key in hmac.keys:
        value = key.value if key.file is None else values.get((instance.name, key.number))
        if value is not None:
            keys.append(replace(key, value=value))
    active = any(key.number == hmac.active_key for key in keys)
    return replace(instance, auth_hmac=replace(hmac, keys=tuple(keys)) if active else None)


def _problem(
    span: Span,
    severity: Severity,
    message: str,
    effect: str,
    kind: ProblemClass = ProblemClass.GENERAL,
    suggestion: str | None = None,
) -> ConfigProblem:
    return ConfigProblem(span=span, severity=severity, message=message, effect=effect, suggestion=suggestion, kind=kind)
