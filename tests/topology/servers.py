"""Real servers to check: nginx, a name server (dnsmasq) and a mail server (aiosmtpd), on loopback.

Each can be well, dead (`kill`), half-open (`freeze`: the kernel accepts for it, it says nothing) and slow (`nap`). What
lies is a matter of the question: nginx has wrong pages, dnsmasq unknown names, and the mail server an address that
answers HELO with an error.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.handlers import Sink

BODY = b"all is well\n"
NAMES = ("a.example", "b.example")
"""Each has a certificate of its own; who names neither gets that of the first."""

NGINX = """\
daemon off;
master_process off;
error_log stderr crit;
pid {directory}/pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    root {directory};
    default_type text/plain;
    server {{
        listen 127.0.0.1:{http} default_server;
        listen [::1]:{http};
        server_name _;
        location /moved {{ return 302 /; }}
        location /broken {{ return 500; }}
        location /drip {{ limit_rate 4; }}
    }}
    server {{
        listen 127.0.0.1:{http};
        server_name a.example;
        location / {{ return 200 "host a\\n"; }}
    }}
    {tls}
}}
"""
TLS = """\
    server {{
        listen 127.0.0.1:{https} ssl{default};
        server_name {name};
        ssl_certificate {directory}/{name}.crt;
        ssl_certificate_key {directory}/{name}.key;
        location / {{ return 200 "secure {name} $ssl_server_name\\n"; }}
    }}
"""


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def is_free(port: int) -> bool:
    """Nobody has it, over TCP or UDP."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            # Of TCP connections that ended a moment ago nothing answers.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def certificates(directory: Path) -> None:
    """An authority, ca.pem, and a certificate of it for each of NAMES (the first also for 127.0.0.1)."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *key, "-subj", "/CN=Test CA", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem")
    for name in NAMES:
        also = ",IP:127.0.0.1" if name == NAMES[0] else ""
        (directory / "extensions").write_text(f"subjectAltName=DNS:{name}{also}\n")
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
            *("-days", "2", "-extfile", "extensions", "-out", f"{name}.crt"),
        )


class Server:
    """A real server; `port` is where it answers, always the same one."""

    def __init__(self, argv: list[str], port: int, answers: Callable[[int], bool] = accepts) -> None:
        self.port = port
        self._argv = argv
        self._answers = answers
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._until(self._answers, "does not answer")

    def kill(self) -> None:
        """Dead: whoever asks is refused."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            # dnsmasq has a child for each TCP connection, which holds all its sockets a little longer.
            self._until(is_free, "is still there")

    def _until(self, truth: Callable[[int], bool], what: str) -> None:
        deadline = time.monotonic() + 30
        while not truth(self.port):
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                raise AssertionError(f"{self._argv[0]} {what} on port {self.port}")
            time.sleep(0.02)

    def freeze(self) -> None:
        """Half-open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    @contextmanager
    def nap(self, seconds: float) -> Iterator[None]:
        """Slow: what is asked meanwhile is answered when it wakes."""
        self.freeze()
        waking = threading.Timer(seconds, self.thaw)
        waking.start()
        try:
            yield
        finally:
            waking.join()

    def _signal(self, which: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, which)


class Mail(Sink):
    """For the command line of aiosmtpd: a server whose HELO fails."""

    @classmethod
    def from_cli(cls, parser: Any, *arguments: str) -> Mail:
        return cls()

    async def handle_HELO(self, server: Any, session: Any, envelope: Any, hostname: str) -> str:  # noqa: N802
        return "550 go away"


class Servers:
    """All of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._stack = ExitStack()
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        directory = self.directory
        certificates(directory)
        (directory / "index.html").write_bytes(BODY)
        (directory / "drip").write_bytes(BODY * 4)
        https = self.https = free_port()
        hosts = "".join(
            TLS.format(https=https, name=name, directory=directory, default=" default_server" if not at else "")
            for at, name in enumerate(NAMES)
        )
        http = free_port()
        conf = directory / "nginx.conf"
        conf.write_text(NGINX.format(directory=directory, http=http, tls=hosts))
        self.web = self._add(["nginx", "-q", "-p", str(directory), "-c", str(conf)], http)
        self.closed = free_port()
        self.names = self._add(
            [
                *("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user="),
                *("--pid-file", "--bind-interfaces", "--listen-address=127.0.0.1", "--local=/example/"),
                *("--local=/bad/", "--host-record=good.example,good,192.0.2.7", "--port={port}"),
            ]
        )
        mail = (sys.executable, "-m", "aiosmtpd", "-n", "-l", "127.0.0.1:{port}")
        self.mail = self._add([*mail])
        self.grumpy = self._add([*mail, "-c", f"{__name__}.Mail"])

    def _add(self, argv: list[str], port: int | None = None) -> Server:
        chosen = free_port() if port is None else port
        server = Server([word.replace("{port}", str(chosen)) for word in argv], chosen)
        self._stack.callback(server.kill)
        return server

    def close(self) -> None:
        self._stack.close()
