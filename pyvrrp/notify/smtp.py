"""A process that does nothing but send mails: a mail server that takes its time delays nobody.

    python -P -m pyvrrp.notify.smtp

reads one `mail.Envelope` a line from its standard input, sends them one after the other, and answers each with a line:
empty, or why it was not sent. It ends with its input.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys

import aiosmtplib


async def send(line: str) -> str:
    """One mail, in keepalived's dialogue: HELO, MAIL, RCPT, DATA, QUIT, and no TLS. Why it was not sent, or nothing."""
    mail = json.loads(line)
    try:
        port = int(mail["port"]) if mail["port"].isdigit() else socket.getservbyname(mail["port"], "tcp")
        client = aiosmtplib.SMTP(
            hostname=mail["host"],
            port=port,
            local_hostname=mail["helo"],
            timeout=mail["timeout"],
            use_tls=False,
            start_tls=False,
        )
        async with asyncio.timeout(6 * mail["timeout"]):
            await client.connect()
            await client.helo()
            await client.mail(mail["sender"])
            for recipient in mail["recipients"]:
                await client.rcpt(recipient)
            await client.data(mail["message"])
            await client.quit()
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
        return " ".join(str(error).split()) or type(error).__name__
    return ""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, whose mails still have to go
    for line in sys.stdin:
        problem = asyncio.run(send(line))
        sys.stdout.write(f"{problem}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
