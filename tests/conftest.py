"""What all layers share: who may run what, and the whole play in a failure's report."""

from __future__ import annotations

import collections
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

import pytest
from hypothesis import HealthCheck, settings

from tests.topology.lab import Lab

# How long an example takes says something about the machine, which may be busy, and nothing about the code.
settings.register_profile("pyvrrp", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pyvrrp")


@runtime_checkable
class Stage(Protocol):
    """A fixture that can tell what happened on it."""

    def play(self) -> str: ...


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--share", metavar="N/ALL", help="run only the N-th of ALL shares of the tests that are left")


@pytest.hookimpl(trylast=True)  # after -m and -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = {
        "root": None if os.geteuid() == 0 else "needs root: sudo tests/run",
        "keepalived": None if shutil.which("keepalived", path=_path()) else "needs Debian's package keepalived",
        "uml": None if os.environ.get("UML") else "runs in the user-mode-linux kernel: sudo tests/run kernel",
    }
    for item in items:
        for marker, reason in missing.items():
            if reason and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
    if share := config.getoption("--share"):
        number, shares = map(int, share.split("/"))
        # Tests of one file share what is costly to set up, and are a play now and then: they stay together. How many
        # ordinary ones each of them takes as long as is the file's COST.
        kept: list[set[Path]] = [set() for _ in range(shares)]
        costs = [0] * shares
        whole: collections.Counter[Path] = collections.Counter()
        for item in items:
            whole[item.path] += getattr(getattr(item, "module", None), "COST", 1)
        for path, cost in whole.most_common():
            smallest = costs.index(min(costs))
            kept[smallest].add(path)
            costs[smallest] += cost
        items[:] = [item for item in items if item.path in kept[number - 1]]


def _path() -> str:
    return os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" and report.failed:
        fixtures = {id(value): value for value in getattr(item, "funcargs", {}).values()}
        for stage in fixtures.values():
            if isinstance(stage, Stage):
                report.sections.append(("The play", stage.play()))
    return report


@pytest.fixture
def lab(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Two directors on one segment; `@pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True)` for more."""
    stage = Lab(tmp_path, **getattr(request, "param", {}))
    try:
        yield stage
    finally:
        stage.close()
