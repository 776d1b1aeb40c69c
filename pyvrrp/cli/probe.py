"""``pyvrrp probe``: make the checks of a configuration once, now, and tell how each ended, how long it took and why."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pyvrrp.checkers.outcome import CheckFailed, Passed
from pyvrrp.checkers.runner import ask
from pyvrrp.core.lvs.checking import KINDS
from pyvrrp.daemon.configuration import lines, on_this_machine, read
from pyvrrp.daemon.exit_status import ExitStatus
from pyvrrp.daemon.options import Options
from pyvrrp.model.checkers import Checker, CheckTiming, HttpCheck, MiscCheck
from pyvrrp.model.config import Config

if TYPE_CHECKING:
    from pyvrrp.kernel.processes import Process
    from pyvrrp.model.scripts import Command

AT_A_TIME: Final = 100


@dataclass(frozen=True, slots=True)
class Probe:
    """One check of one real server, one of its urls if it has several."""

    virtual: str
    server: str
    kind: str
    target: str
    question: Checker


@dataclass(frozen=True, slots=True)
class Answer:
    result: str
    """passed, failed, or not made: the check could not be made, which says nothing about the server."""
    milliseconds: float
    reason: str | None


def probe(path: str, server: str | None, *, json_output: bool, config_id: str | None) -> int:
    """0 all passed, 1 some did not, 2 there is nothing to check, 3 the configuration cannot be used."""
    reading = on_this_machine(read(Options(config_file=path, config_id=config_id)))
    if reading.status is not ExitStatus.OK:
        sys.stderr.writelines(f"{text}\n" for _, text in lines(reading.problems))
        return 3
    probes = [one for one in _probes(reading.config) if server is None or server in (one.server, _host(one.server))]
    if not probes:
        sys.stderr.write(f"pyvrrp: no check of {server or 'any real server'} is configured\n")
        return 2
    answers = asyncio.run(_ask({one.question for one in probes}, reading.config))
    if json_output:
        found = [
            {
                "virtual_server": one.virtual,
                "real_server": one.server,
                "kind": one.kind,
                "target": one.target,
                "result": answers[one.question].result,
                "milliseconds": round(answers[one.question].milliseconds, 3),
                "reason": answers[one.question].reason,
            }
            for one in probes
        ]
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        sys.stdout.writelines(_lines(probes, answers))
    return int(any(answer.result != "passed" for answer in answers.values()))


def _probes(config: Config) -> Iterator[Probe]:
    for virtual in config.virtual_servers:
        for server in virtual.real_servers:
            for checker in server.checkers:
                kind = KINDS[type(checker)].keyword
                plain = replace(checker, timing=CheckTiming())
                if isinstance(plain, HttpCheck):
                    for url in plain.urls:
                        target = f"{plain.connect.target} url({url.path})"
                        question = replace(plain, urls=(url,), fast_recovery=False)
                        yield Probe(str(virtual.key), str(server.endpoint), kind, target, question)
                else:
                    target = str(plain.command if isinstance(plain, MiscCheck) else plain.connect.target)
                    yield Probe(str(virtual.key), str(server.endpoint), kind, target, plain)


def _host(server: str) -> str:
    return server.rpartition(":")[0].strip("[]")


async def _ask(questions: set[Checker], config: Config) -> dict[Checker, Answer]:
    turn = asyncio.Semaphore(AT_A_TIME)

    def spawn(command: Command) -> Process:
        from pyvrrp.kernel.processes import start

        return start(command, config.global_defs.scripts)

    async def one(question: Checker) -> Answer:
        async with turn:
            begin = time.perf_counter()
            outcome = await ask(question, spawn)
            took = (time.perf_counter() - begin) * 1000
        if isinstance(outcome, Passed):
            reason = f"status {outcome.status}: weight {outcome.status - 2}" if outcome.status else None
            return Answer("passed", took, reason)
        return Answer("failed" if isinstance(outcome, CheckFailed) else "not made", took, str(outcome))

    ordered = list(questions)
    return dict(zip(ordered, await asyncio.gather(*map(one, ordered)), strict=True))


def _lines(probes: list[Probe], answers: dict[Checker, Answer]) -> Iterator[str]:
    width = max(len(f"{one.server} {one.kind} {one.target}") for one in probes)
    virtual = None
    for one in probes:
        if one.virtual != virtual:
            virtual = one.virtual
            yield f"{virtual}\n"
        answer = answers[one.question]
        name = f"{one.server} {one.kind} {one.target}"
        reason = f"  {answer.reason}" if answer.reason else ""
        yield f"  {name:{width}}  {answer.result:8}  {answer.milliseconds:8.1f} ms{reason}".rstrip() + "\n"
