"""What mails say, and their way to a real SMTP server."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from email import message_from_bytes
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from pyvrrp.core.log import Level
from pyvrrp.daemon import postman
from pyvrrp.daemon.postman import Postman
from pyvrrp.model.config import GlobalDefs
from pyvrrp.model.globals import Mail
from pyvrrp.notify.mail import envelope
from tests.waiting import eventually

MAIL = Mail(
    notification_email=("a@x.org", "Bea <b@x.org>"),
    smtp_server=("127.0.0.1", "2"),
)


def test_the_message_is_keepaliveds() -> None:
    made = envelope(MAIL, "R1", "host", "K A <k@x.org>", "VRRP Instance V - Entering MASTER state", "owning", 0.0)
    head, _, body = made.message.partition("\r\n\r\n")
    date, *lines = head.split("\r\n")
    assert date.startswith("Date: Thu, 01 Jan 1970 ")
    assert lines == [
        "From: K A <k@x.org>",
        "Subject: [R1] VRRP Instance V - Entering MASTER state",
        "X-Mailer: Keepalived",
        "To: a@x.org,",
        " Bea <b@x.org>",
    ]
    assert body == "=> owning <=\r\n\r\n"
    assert (made.sender, made.recipients) == ("k@x.org", ("a@x.org", "b@x.org"))
    assert (made.host, made.port, made.helo, made.timeout) == ("127.0.0.1", "2", "host", 30)


def test_a_name_makes_no_headers_and_no_endless_subject() -> None:
    made = envelope(MAIL, "R", "h", "x", "V\r\nBcc: c@x.org" + "y" * 500, "z" * 1000, 0.0)
    message = message_from_bytes(made.message.encode())
    assert message["Bcc"] is None
    assert len(message["Subject"]) <= 255
    assert len(str(message.get_payload()).strip()) <= 511


class Box:
    """What an SMTP server got."""

    def __init__(self) -> None:
        self.mails: list[Envelope] = []
        self.helo: list[str | None] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, mail: Envelope) -> str:  # noqa: N802
        self.mails.append(mail)
        self.helo.append(session.host_name)
        return self.answer


@pytest.fixture
def box() -> Iterator[tuple[Box, int]]:
    made = Box()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    yield made, port
    controller.stop()


class Bed:
    def __init__(self, port: int, **changes: Any) -> None:
        self.lines: list[str] = []
        self.postman = Postman(self.log)
        mail = Mail(notification_email=("a@x.org", "B <b@x.org>"), smtp_server=("127.0.0.1", str(port)), **changes)
        self.definitions = GlobalDefs(router_id="R1", mail=mail)

    def log(self, level: Level, text: str) -> None:
        self.lines.append(text)

    def post(self, subject: str) -> None:
        self.postman.post(self.definitions, subject, "body")


async def test_mails_arrive_in_order_through_one_process(box: tuple[Box, int]) -> None:
    made, port = box
    bed = Bed(port, smtp_helo_name="me.x.org")
    for number in range(3):
        bed.post(f"S{number}")
    await eventually(lambda: len(made.mails) == 3)
    await bed.postman.close(5)
    subjects = [message_from_bytes(mail.content or b"")["Subject"] for mail in made.mails]  # type: ignore[arg-type]
    assert subjects == ["[R1] S0", "[R1] S1", "[R1] S2"]
    assert made.mails[0].rcpt_tos == ["a@x.org", "b@x.org"]
    assert made.helo == ["me.x.org"] * 3
    assert bed.lines == []


async def test_what_the_server_refuses_is_told_once(box: tuple[Box, int]) -> None:
    made, port = box
    made.answer = "554 no thanks"
    bed = Bed(port)
    bed.post("one")
    bed.post("two")
    await eventually(lambda: len(made.mails) == 2)
    made.answer = "250 OK"
    bed.post("three")
    await eventually(lambda: len(bed.lines) == 2)
    assert "no thanks" in bed.lines[0]
    assert "is sent again" in bed.lines[1]
    await bed.postman.close(5)


async def test_a_server_that_is_not_there() -> None:
    bed = Bed(1)
    bed.post("one")
    await eventually(lambda: len(bed.lines) == 1)
    assert "was not sent" in bed.lines[0]
    await bed.postman.close(5)


async def test_a_server_that_never_answers_delays_nobody_and_the_queue_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postman, "WAITING", 3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        bed = Bed(silent.getsockname()[1])
        for number in range(6):
            bed.post(f"S{number}")
        assert bed.lines == ["more than 3 mails wait; the oldest are dropped"]
        await bed.postman.close(0.05)
    assert bed.lines[1:] == ["3 mails were not sent"]


async def test_a_process_that_dies_is_replaced(box: tuple[Box, int]) -> None:
    made, port = box
    bed = Bed(port)
    bed.postman._program = (sys.executable, "-c", "")
    bed.post("lost")
    await eventually(lambda: bed.lines == ["mail: the process that sends them has ended; a mail is lost"])
    assert bed.postman._work is not None
    await asyncio.wait({bed.postman._work})
    bed.postman._program = postman.PROGRAM
    bed.post("found")
    await eventually(lambda: len(made.mails) == 1)
    await bed.postman.close(5)


async def test_without_a_server_nothing_is_sent() -> None:
    bed = Bed(1)
    bed.postman.post(GlobalDefs(mail=Mail(notification_email=("a@x.org",))), "S", "b")
    bed.postman.post(GlobalDefs(), "S", "b")
    await bed.postman.close(1)
    assert bed.lines == []
