"""FIFO lines, notify scripts and mails: the same play under keepalived and under ours, and what each of them told."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import message_from_bytes
from functools import partial
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.topology.daemons import KEEPALIVED, OURS
from tests.topology.lab import Lab, instance
from tests.topology.net import Host, inside

pytestmark = [
    pytest.mark.root,
    pytest.mark.keepalived,
    pytest.mark.parametrize("lab", [{"segments": 2}], indirect=True),
]

GLOBAL = """global_defs {{
    router_id R1
    script_user root
    notification_email {{
        a@x.org
        b@x.org
    }}
    notification_email_from k@x.org
    smtp_server 127.0.0.1 2525
    notify_fifo {0}/fifo
    vrrp_notify_fifo {0}/vrrp
    vrrp_notify_priority_changes on
    fifo_write_vrrp_states_on_reload
}}
track_file number {{
    file {0}/number
}}
"""
GROUP = """vrrp_sync_group G {{
    group {{
        A
        B
    }}
    track_file {{
        number
    }}
    {0}
}}
"""
C_PRIORITY = 100
STATES = ("master", "backup", "fault", "stop")


class MailServer:
    """A real one, on a director's loopback."""

    def __init__(self, host: Host) -> None:
        self.mails: list[tuple[str, str, list[str], str]] = []
        self._loop = asyncio.new_event_loop()
        with inside(host.namespace):
            self._server = self._loop.run_until_complete(
                self._loop.create_server(lambda: SMTP(self, loop=self._loop), "127.0.0.1", 2525)
            )
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        message = message_from_bytes(content if isinstance(content, bytes) else (content or "").encode())
        to = " ".join(str(message["To"]).split())
        about = [f"{message['From']} > {to}", str(envelope.mail_from), *envelope.rcpt_tos]
        self.mails.append(
            (str(message["Subject"]), str(message.get_payload()).strip(), about, str(message["X-Mailer"]))
        )
        return "250 OK"

    def has(self, subject: str) -> bool:
        return any(mail[0].endswith(subject) for mail in self.mails)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class Told:
    """By one program."""

    fifo: list[str] = field(default_factory=list)
    vrrp_fifo: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    mails: list[tuple[str, str, list[str], str]] = field(default_factory=list)

    def of(self, name: str) -> list[str]:
        return [line for line in self.fifo if f'"{name}"' in line]


def scripts(directory: Path, name: str, *more: str) -> str:
    script = directory / "note.sh"
    script.write_text(f'#!/bin/sh\necho "$@" >> {directory}/notes\n')
    script.chmod(0o755)
    words = [f'notify_{state} "{script} {name} {state}"' for state in STATES]
    return "\n    ".join([*words, f'notify "{script} {name} all"', "smtp_alert", *more])


def configuration(directory: Path, *, all_of_them: bool) -> str:
    a = instance("A", more=scripts(directory, "A"))
    b = instance("B", vrid=52, device="eth1", vips=("198.51.100.100/24",), more=scripts(directory, "B"))
    lower = f'notify_master_rx_lower_pri "{directory}/note.sh C lower"'
    c = instance("C", vrid=53, vips=("192.0.2.103/24",), more=scripts(directory, "C", lower))
    d = instance("D", vrid=54, vips=("192.0.2.104/24",), more=scripts(directory, "D"))
    e = instance("E", vrid=55, vips=("192.0.2.105/24",), more=scripts(directory, "E", "notify_deleted"))
    group = GROUP.format(scripts(directory, "G"))
    return GLOBAL.format(directory) + a + b + group + c + (d + e if all_of_them else "")


class Reader:
    """Of a FIFO that is there before the daemon."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._read = b""

    def lines(self) -> list[str]:
        with contextlib.suppress(BlockingIOError):
            self._read += os.read(self._descriptor, 65536)
        return self._read.decode().splitlines()

    def close(self) -> None:
        os.close(self._descriptor)


def play(lab: Lab, program: str, directory: Path) -> Told:
    """Start, takeover, a weight, a fault and its end, a rival, a reload without two instances, the stop."""
    directory.mkdir()
    number = directory / "number"
    number.write_text("0")
    notes = directory / "notes"
    notes.touch()
    server = MailServer(lab.hosts["d1"])
    readers = [Reader(directory / "fifo"), Reader(directory / "vrrp")]
    fifo = readers[0]

    def wait(*lines: str) -> None:
        lab.until(lambda: all(line in fifo.lines() for line in lines), within=15, what=f"{program} tells {lines}")

    try:
        lab.start("d1", program, configuration(directory, all_of_them=True))
        wait('GROUP "G" MASTER 0', *(f'INSTANCE "{name}" MASTER 100' for name in "ABCDE"))
        number.write_text("20")
        wait(*(f'INSTANCE "{name}" MASTER_PRIORITY 120' for name in "AB"))
        lab.set_cable("d1", 1, up=False)
        wait('GROUP "G" FAULT 0')
        lab.set_cable("d1", 1, up=True)
        lab.until(lambda: fifo.lines().count('GROUP "G" MASTER 0') == 2, within=15, what="G is MASTER again")
        lab.start("d2", KEEPALIVED, instance("R", priority=90, vrid=53, vips=("192.0.2.103/24",)))
        lab.until_backup("d2")
        lower = f'INSTANCE "C" MASTER_RX_LOWER_PRI {C_PRIORITY}'
        for _ in range(20):
            lab.set_isolated(True)
            lab.until(lambda: lab.hosts["d2"].holds("192.0.2.103"), within=5, what="two masters")
            # The rival is met only if it is its turn to speak when the cut heals.
            spoken = len(lab.adverts("d1", vrid=53))
            lab.until(lambda spoken=spoken: len(lab.adverts("d1", vrid=53)) > spoken, within=5, what="d1 has spoken")  # type: ignore[misc]
            lab.set_isolated(False)
            lab.until(lambda: not lab.hosts["d2"].holds("192.0.2.103"), within=5, what="one master")
            if lower in fifo.lines():
                break
        wait(lower)
        lab.kill("d2")
        lab.reload("d1", configuration(directory, all_of_them=False))
        wait('INSTANCE "D" FAULT 100', 'INSTANCE "E" DELETED 100')
        lab.until(lambda: fifo.lines().count('GROUP "G" MASTER 0') == 3, within=15, what="states after the reload")
        for subject in ("D - Entering FAULT state", "E - Deleted"):
            lab.until(partial(server.has, subject), within=15, what=f"the mail {subject}")
        lab.stop("d1")
        wait('GROUP "G" STOP 0')
        lab.until(lambda: "G all GROUP G STOP 0" in notes.read_text(), within=5, what="the last script")
        return Told(fifo.lines(), readers[1].lines(), notes.read_text().splitlines(), server.mails)
    finally:
        server.close()
        for reader in readers:
            reader.close()


@pytest.fixture
def both(lab: Lab, tmp_path: Path) -> tuple[Told, Told]:
    return play(lab, KEEPALIVED, tmp_path / "theirs"), play(lab, OURS, tmp_path / "ours")


def test_the_same_is_told(both: tuple[Told, Told]) -> None:
    theirs, ours = both
    for name in "ABCDEG":
        assert once(ours.of(name)) == once(line for line in theirs.of(name) if "BACKUP_PRIORITY" not in line), name
    for told in both:
        assert told.vrrp_fifo == told.fifo, "both FIFOs get all of it"
        assert told.fifo.index('GROUP "G" BACKUP 0') < told.fifo.index('INSTANCE "A" BACKUP 100')
        assert told.fifo.index('GROUP "G" MASTER 0') > told.fifo.index('INSTANCE "A" MASTER 100')
        assert told.fifo[-1] == 'GROUP "G" STOP 0'
    # They are started together, and write as they are scheduled.
    assert sorted(set(ours.scripts)) == sorted(set(theirs.scripts))
    assert "C lower" in ours.scripts
    # keepalived ends before its mails about the stop are sent.
    mailed = [mail for mail in ours.mails if "Stopping" not in mail[0]]
    assert sorted({str(mail) for mail in mailed}) == sorted({str(mail) for mail in theirs.mails})
    assert sum("Stopping" in mail[0] for mail in ours.mails) == 4


def once(lines: Iterable[str]) -> list[str]:
    """Without a line's repetitions in a row: how often a rival is met is a matter of milliseconds."""
    found: list[str] = []
    for line in lines:
        if not found or found[-1] != line:
            found.append(line)
    return found
