from __future__ import annotations

from dataclasses import replace

import pytest

from pyvrrp.daemon.exit_status import ExitStatus
from pyvrrp.daemon.lifecycle import (
    Death,
    early_deaths,
    fixed_at_start,
    needed,
    respawn_delay,
    share,
)
from pyvrrp.daemon.options import Options
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.model.globals import Fifos
from pyvrrp.model.lvs import VirtualServer
from pyvrrp.model.scripts import Command
from pyvrrp.model.vrrp import VrrpInstance
from pyvrrp.units import SECOND
from tests.unit.daemon.samples import VIRTUAL_SERVER, VRRP_INSTANCE

BOTH = Config(vrrp_instances=(VRRP_INSTANCE,), virtual_servers=(VIRTUAL_SERVER,))


@pytest.mark.parametrize(
    ("deaths", "seconds"), [(1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (6, 16), (7, 32), (8, 60), (9, 60), (1000, 60)]
)
def test_the_first_replacement_is_immediate_and_later_ones_wait_longer(deaths: int, seconds: int) -> None:
    assert respawn_delay(deaths) == seconds * SECOND


def test_a_long_life_forgives_earlier_deaths() -> None:
    assert early_deaths(5, 60 * SECOND - 1) == 6
    assert early_deaths(5, 60 * SECOND) == 1


@pytest.mark.parametrize(
    ("wait_status", "text", "permanent", "clean"),
    [
        (0 << 8, "exited with status 0", None, True),
        (1 << 8, "exited with status 1", ExitStatus.FATAL, False),
        (2 << 8, "exited with status 2", ExitStatus.CONFIG, False),
        (4 << 8, "exited with status 4", ExitStatus.PERMISSION, False),
        (70 << 8, "exited with status 70", None, False),
        (9, "was killed by SIGKILL", None, False),
        (50, "was killed by signal 50", None, False),
    ],
)
def test_what_a_wait_status_means(wait_status: int, text: str, permanent: ExitStatus | None, clean: bool) -> None:
    death = Death.of(wait_status)
    assert (str(death), death.permanent, death.clean) == (text, permanent, clean)


@pytest.mark.parametrize(
    ("config", "options", "roles"),
    [
        (BOTH, Options(), {"vrrp", "checkers"}),
        (BOTH, Options(run_checkers=False), {"vrrp"}),
        (BOTH, Options(run_vrrp=False), {"checkers"}),
        (Config(), Options(), set()),
        (Config(), Options(all_workers=True), {"vrrp", "checkers"}),
        (Config(), Options(all_workers=True, run_vrrp=False), {"checkers"}),
    ],
)
def test_a_worker_runs_if_there_is_work_and_the_command_line_allows_it(
    config: Config, options: Options, roles: set[str]
) -> None:
    assert {role for role in ("vrrp", "checkers") if needed(role, config, options)} == roles


def test_each_role_gets_its_own_part() -> None:
    vrrp, checkers = share("vrrp", BOTH, Options()), share("checkers", BOTH, Options())
    assert (vrrp.vrrp_instances, vrrp.virtual_servers) == ((VRRP_INSTANCE,), ())
    assert (checkers.vrrp_instances, checkers.virtual_servers) == ((), (VIRTUAL_SERVER,))
    assert isinstance(checkers.virtual_servers[0], VirtualServer)
    assert isinstance(vrrp.vrrp_instances[0], VrrpInstance)


def test_the_reader_of_a_fifo_that_both_write_to_is_started_once() -> None:
    fifos = Fifos(notify_fifo=("/f",), notify_fifo_script=Command(("/x",)), vrrp_notify_fifo_script=Command(("/y",)))
    both = replace(BOTH, global_defs=GlobalDefs(fifos=fifos))

    def readers(role: str, options: Options) -> tuple[Command | None, Command | None]:
        part = share(role, both, options).global_defs.fifos
        assert part is not None
        return part.notify_fifo_script, part.vrrp_notify_fifo_script

    assert readers("vrrp", Options()) == (None, fifos.vrrp_notify_fifo_script)
    assert readers("vrrp", Options(run_checkers=False))[0] == readers("checkers", Options())[0] == Command(("/x",))


def test_the_namespace_cannot_change_in_a_running_daemon() -> None:
    old = Config(global_defs=GlobalDefs(instance="a", router_id="r"))
    new = Config(global_defs=GlobalDefs(instance="b", router_id="s", net_namespace="n"))
    assert fixed_at_start(old, new) == ["net_namespace", "instance"]
    assert fixed_at_start(old, old) == []
