"""Play the lab on the machines of vagrant/: events on stdout, one JSON object a line. `lab.py` starts this."""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import play
from remote import RemoteStage, RemoteStory, begun
from topology import HOSTS

LAB = Path(__file__).resolve().parents[2] / "vagrant"
VERBS = {
    "start": "systemctl start pyvrrp",
    "stop": "systemctl stop pyvrrp",
    # All at one moment: systemd kills one after the other, and a worker that sees its parent die says goodbye. And
    # systemd is not to start it again, which would be another story.
    "kill": "systemctl kill --signal=STOP pyvrrp; systemctl kill --signal=KILL pyvrrp; "
    "systemctl stop pyvrrp; systemctl reset-failed pyvrrp || :",
    "status": "systemctl is-active -q pyvrrp && exit 1; systemctl show -p ExecMainStatus --value pyvrrp",
    "log": "journalctl -q -f -n 0 -o cat -u pyvrrp & cat >/dev/null; kill $!",
    "start-server": "systemctl start pyvrrp-lab-server",
    "stop-server": "systemctl kill --signal=KILL pyvrrp-lab-server; systemctl stop pyvrrp-lab-server",
}


class Vagrant:
    """`remote.Machines`, by ssh."""

    def __init__(self, configuration: Path) -> None:
        self._configuration = configuration
        self._dying: set[asyncio.Task[int]] = set()

    def reach(self, host: str) -> list[str]:
        options = ["-F", str(self._configuration), "-T", "-o", "LogLevel=ERROR", "-o", "ServerAliveInterval=1"]
        return ["ssh", *options, host, "sudo", "sh", "-s"]

    def verb(self, name: str) -> str:
        return VERBS[name]

    async def power_off(self, host: str) -> None:
        """Its kernel does it, at once: `vagrant halt --force` lets libvirt's machines shut down in good order first."""
        process = await begun(self.reach(host), "echo o >/proc/sysrq-trigger")
        # It is the other side of the connection that goes: ssh ends when it notices.
        self._dying.add(task := asyncio.create_task(process.wait()))
        task.add_done_callback(self._dying.discard)

    async def power_on(self, host: str) -> None:
        await self._vagrant("halt", "--force", host)  # whatever it thinks of the machine now
        await self._vagrant("up", "--no-provision", host)
        self.describe()

    async def _vagrant(self, *arguments: str) -> None:
        process = await asyncio.create_subprocess_exec(
            "vagrant", *arguments, cwd=LAB, stdin=asyncio.subprocess.DEVNULL, stdout=sys.stderr.fileno()
        )
        if await process.wait():
            raise RuntimeError(f"vagrant {' '.join(arguments)} failed")

    def describe(self) -> None:
        """How ssh finds the machines; their ports may change when they boot."""
        done = subprocess.run(["vagrant", "ssh-config", *HOSTS], cwd=LAB, capture_output=True, text=True, check=False)
        self._configuration.write_text(done.stdout)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pyvrrp-vagrant.") as directory:
        machines = Vagrant(Path(directory) / "ssh_config")
        machines.describe()
        stage = RemoteStage(machines)
        try:
            return asyncio.run(play.run(stage, RemoteStory(stage)))
        except BrokenPipeError:  # nobody looks any more
            sys.stdout = open(os.devnull, "w")  # noqa: SIM115
            return 1


if __name__ == "__main__":
    sys.exit(main())
