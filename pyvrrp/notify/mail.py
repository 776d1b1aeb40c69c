"""What mails say, in keepalived's words, and who gets them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from email.utils import formatdate
from typing import Final

from pyvrrp.model.globals import Mail

DEFAULT_PORT: Final = "25"
SUBJECT_MAX: Final = 255
BODY_MAX: Final = 511
"""keepalived's limits, in bytes."""
_ADDRESS: Final = re.compile(r"<([^<>]*)>")


@dataclass(frozen=True, slots=True)
class Envelope:
    """One mail, and all that is needed to send it; what `pyvrrp.notify.smtp` reads, as JSON."""

    host: str
    port: str
    helo: str
    timeout: int
    """Seconds, for each step."""
    sender: str
    recipients: tuple[str, ...]
    message: str
    """Headers and body, lines apart by CRLF."""

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"


def envelope(mail: Mail, router_id: str, host: str, sender: str, subject: str, body: str, now: float) -> Envelope:
    """The mail `[ROUTER_ID] SUBJECT` that says `=> BODY <=`. `host`: our own name; `now`: seconds since the epoch."""
    headers = {
        "Date": formatdate(now, localtime=True),
        "From": sender,
        "Subject": _cut(f"[{router_id}] {subject}", SUBJECT_MAX),
        "X-Mailer": "Keepalived",
        "To": ",\r\n ".join(mail.notification_email),
    }
    head = "".join(f"{name}: {_one_line(value)}\r\n" for name, value in headers.items())
    text = _cut(f"=> {body} <=", BODY_MAX)
    return Envelope(
        host=mail.smtp_server[0],
        port=mail.smtp_server[1] if len(mail.smtp_server) > 1 else DEFAULT_PORT,
        helo=mail.smtp_helo_name or host,
        timeout=max(1, mail.smtp_connect_timeout),
        sender=_bare(sender),
        recipients=tuple(_bare(address) for address in mail.notification_email),
        message=f"{head}\r\n{_one_line(text)}\r\n\r\n",
    )


def _bare(address: str) -> str:
    """What of `Name <address>` goes into the envelope."""
    found = _ADDRESS.search(address)
    return found[1] if found else address


def _cut(text: str, size: int) -> str:
    return text.encode(errors="surrogateescape")[:size].decode(errors="ignore")


def _one_line(text: str) -> str:
    """A name in a configuration must not begin a header of its own."""
    return re.sub(r"[\r\n](?! )", " ", text.replace("\r\n ", "\0")).replace("\0", "\r\n ")
