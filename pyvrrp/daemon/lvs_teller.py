"""Tells the world what happens to real and virtual servers: scripts, FIFO lines and mails, in keepalived's words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pyvrrp.core.lvs.actions import ReportChecker, ReportRealServer, ReportVirtualServer
from pyvrrp.core.lvs.real_server import display_name
from pyvrrp.daemon.role import Host
from pyvrrp.daemon.telling import Telling
from pyvrrp.model.config import Config
from pyvrrp.model.endpoint import Endpoint
from pyvrrp.model.lvs import RealServer, ServiceKey, VirtualServer

_MAILS: Final = {
    "TCP_CHECK": ("TCP CHECK succeed on service", "TCP CHECK failed on service"),
    "UDP_CHECK": ("UDP CHECK succeed on service", "UDP CHECK failed on service"),
    "PING_CHECK": ("ICMP CHECK succeed on service", "ICMP CHECK failed on service"),
    "DNS_CHECK": ("DNS_CHECK: succeed on service", "DNS_CHECK: failed on service"),
    "MISC_CHECK": ("MISC CHECK succeed on service", "MISC CHECK failed on service"),
}
_OTHER_MAILS: Final = ("CHECK succeed on service", "CHECK failed on service")
"""What a checker's mail says: up, down."""
_ALERT: Final = "smtp_alert_checker"
_LAST_SCRIPTS: Final = 1.0
"""Seconds that scripts about the stop get, as in keepalived."""


class LvsTeller:
    """For one checkers worker."""

    def __init__(self, host: Host) -> None:
        self._means = Telling("checkers", host)
        self._config = Config()
        self._services: dict[ServiceKey, VirtualServer] = {}
        self._servers: dict[tuple[ServiceKey, Endpoint], RealServer] = {}

    def configure(self, config: Config) -> None:
        """Those that are gone are still told of as they wished: their end comes after this."""
        former = self._config.virtual_servers
        self._config = config
        self._services, self._servers = {}, {}
        for service in (*former, *config.virtual_servers):
            self._services[service.key] = service
            self._servers |= {(service.key, server.endpoint): server for server in service.real_servers}
        self._means.configure(config.global_defs)

    def real_server(self, report: ReportRealServer, otherwise: str = "Removing") -> None:
        """A server went up or down. `otherwise`: what a mail says where no checker found it."""
        server = self._servers.get((report.service, report.endpoint))
        if server is None:
            return
        keyword = "notify_up" if report.alive else "notify_down"
        name, state = display_name(report.endpoint, report.service), _state(report.alive)
        self._means.run(f"{name} of {report.service}", keyword, getattr(server, keyword))
        self._means.write(f"RS {name} {report.service} {state}")
        mail = self._config.global_defs.mail
        if report.why and (mail is None or not mail.no_checker_emails):
            return  # its checker's mail says it
        self._mail_server(server, report.service, report.alive, report.why or otherwise)

    def checker(self, report: ReportChecker) -> None:
        """A check of a server has another result than before, whatever becomes of the server."""
        server = self._servers.get((report.service, report.endpoint))
        mail = self._config.global_defs.mail
        if server is None or mail is None or mail.no_checker_emails:
            return
        self._mail_server(server, report.service, report.up, checker_text(report.kind, report.up))

    def virtual_server(self, report: ReportVirtualServer) -> None:
        """A virtual server gained or lost its quorum."""
        service = self._services.get(report.service)
        if service is None:
            return
        keyword = "quorum_up" if report.quorum_up else "quorum_down"
        self._means.run(str(report.service), keyword, getattr(service, keyword))
        self._means.write(f"VS {report.service} {_state(report.quorum_up)}")
        if self._means.alerts(service.smtp_alert, _ALERT):
            subject = f"Virtualserver {report.service} - {_state(report.quorum_up)}"
            self._means.mail(subject, report.why or "Shutting down")

    def begin(self, alive: Iterable[tuple[ServiceKey, Endpoint]]) -> None:
        """At the first start: servers that are up without having been asked, where rs_init_notifies wants it told."""
        rules = self._config.global_defs.scripts
        if rules is None or not rules.rs_init_notifies:
            return
        for service, endpoint in alive:
            server = self._servers[service, endpoint]
            name = display_name(endpoint, service)
            self._means.run(f"{name} of {service}", "notify_up", server.notify_up)
            self._means.write(f"RS {name} {service} UP")

    def stop(self, alive: Iterable[tuple[ServiceKey, Endpoint]]) -> None:
        """At the end: what omega asks for."""
        for key, endpoint in alive:
            if self._services[key].omega:
                self.real_server(ReportRealServer(key, endpoint, False), "Shutting down")
        for key, service in self._services.items():
            if service.omega:
                self.virtual_server(ReportVirtualServer(key, False))

    async def settle(self) -> None:
        await self._means.settle(_LAST_SCRIPTS)

    def _mail_server(self, server: RealServer, service: ServiceKey, alive: bool, text: str) -> None:
        if self._means.alerts(server.smtp_alert, _ALERT, default=True):
            name = display_name(server.endpoint, service)
            self._means.mail(f"Realserver {name} of virtual server {service} - {_state(alive)}", text)


def checker_text(kind: str, up: bool) -> str:
    """What keepalived's mail about a checker says."""
    return _MAILS.get(kind, _OTHER_MAILS)[0 if up else 1]


def _state(up: bool) -> str:
    return "UP" if up else "DOWN"
