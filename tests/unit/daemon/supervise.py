"""A real supervisor with fake workers: ``python -m tests.unit.daemon.supervise DIRECTORY OPTIONS-AS-JSON``.

DIRECTORY/conf stands for the configuration: NAME and the roles that it has work for. "damaged" among them is a fatal
problem.
"""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

from pyvrrp.daemon.configuration import Reading
from pyvrrp.daemon.launch import Launch
from pyvrrp.daemon.log import open_log
from pyvrrp.daemon.options import Options
from pyvrrp.daemon.pidfile import PidFiles
from pyvrrp.daemon.signals import WAITING_AT_START, calm
from pyvrrp.daemon.supervisor import Supervisor
from pyvrrp.daemon.systemd import take_socket
from pyvrrp.errors import ConfigProblem, ProblemClass, Severity, Span
from pyvrrp.model.config import Config, GlobalDefs
from pyvrrp.units import MILLISECOND
from tests.unit.daemon.samples import VIRTUAL_SERVER, VRRP_INSTANCE


def read(file: Path) -> Reading:
    name, *words = file.read_text().split()
    problem = ConfigProblem(
        span=Span(str(file), 1),
        severity=Severity.FATAL,
        message="damaged",
        effect="not used",
        kind=ProblemClass.MISSING_EOB,
    )
    return Reading(
        Config(
            global_defs=GlobalDefs(
                router_id=name,
                child_wait_time=300 * MILLISECOND,
                instance="other" if "instance" in words else None,
            ),
            vrrp_instances=(VRRP_INSTANCE,) * ("vrrp" in words),
            virtual_servers=(VIRTUAL_SERVER,) * ("checkers" in words),
        ),
        (problem,) if "damaged" in words else (),
    )


def main() -> int:
    directory = Path(sys.argv[1])
    options = Options(**json.loads(sys.argv[2]), no_syslog=True)
    calm()
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITING_AT_START)
    launch = Launch(foreground=options.foreground, speak=not options.log_console)
    supervisor = Supervisor(
        options,
        read(directory / "conf"),
        lambda: read(directory / "conf"),
        PidFiles(str(directory / "d.pid"), {role: str(directory / f"{role}.pid") for role in ("vrrp", "checkers")}, ()),
        open_log(options, "daemon", None, None),
        launch,
        program=[sys.executable, str(Path(__file__).with_name("fake_worker.py")), str(directory)],
        sockets=str(directory / "sockets"),
        notify_socket=take_socket(),
    )
    status = supervisor.run()
    launch.release(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
