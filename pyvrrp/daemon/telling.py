"""What both workers tell the world through: scripts, FIFOs, mails. What a configuration does not use is not loaded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from pyvrrp.daemon.role import Host
from pyvrrp.model.config import GlobalDefs

if TYPE_CHECKING:
    from pyvrrp.kernel.processes import Identity, Process
    from pyvrrp.model.scripts import Command
    from pyvrrp.notify.fifo import Fifos
    from pyvrrp.notify.scripts import Notifier

FIFOS: Final = {"vrrp": ("notify_fifo", "vrrp_notify_fifo"), "checkers": ("notify_fifo", "lvs_notify_fifo")}
"""Which of them a role writes to."""


class Telling:
    """The means of one worker."""

    def __init__(self, role: str, host: Host) -> None:
        self._role = role
        self._host = host
        self._definitions = GlobalDefs()
        self._notifier: Notifier | None = None
        self._fifos: Fifos | None = None

    def configure(self, definitions: GlobalDefs) -> None:
        """Open the FIFOs of these global_defs, start their scripts, close what is not wanted any more."""
        self._definitions = definitions
        said = definitions.fifos
        if self._fifos is None and (said is None or not any(getattr(said, word) for word in FIFOS[self._role])):
            return
        from pyvrrp.notify.fifo import FifoConfig, Fifos

        if self._fifos is None:
            self._fifos = Fifos(self.start, self._identify, self._host.log)
        configs: list[FifoConfig] = []
        for word in FIFOS[self._role]:
            words: tuple[str, ...] = () if said is None else getattr(said, word)
            if said is None or not words or any(words[0] == config.path for config in configs):
                continue
            user, group = (*words[1:3], None, None)[:2]
            script: Command | None = getattr(said, f"{word}_script")
            configs.append(FifoConfig(keyword=word, path=words[0], user=user, group=group, script=script))
        self._fifos.configure(configs)

    def run(
        self,
        who: str,
        keyword: str,
        command: Command | None,
        arguments: Iterable[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start a script of the configuration and do not wait for it. `who`: whose it is, for the log."""
        if command is None:
            return
        if self._notifier is None:
            from pyvrrp.notify.scripts import Notifier

            self._notifier = Notifier(lambda one, more: self.start(one, variables=more), self._host.log)
        self._notifier.run(who, keyword, command, tuple(arguments), variables)

    def write(self, line: str) -> None:
        """One event, to the FIFOs."""
        if self._fifos is not None:
            self._fifos.write(line)

    def mail(self, subject: str, body: str) -> None:
        """Where it is said through whom and to whom."""
        if self.mails:
            self._host.mail(subject, body)

    @property
    def mails(self) -> bool:
        mail = self._definitions.mail
        return mail is not None and bool(mail.smtp_server) and bool(mail.notification_email)

    def alerts(self, wish: bool | None, word: str, *, default: bool = False) -> bool:
        """Whether it is to be mailed of; `wish`: of the thing itself, before that of the keyword `word`."""
        mail = self._definitions.mail
        if mail is None or not self.mails:
            return False
        wishes = (wish, getattr(mail, word), mail.smtp_alert)
        return next((one for one in wishes if one is not None), default)

    async def settle(self, seconds: float) -> None:
        """Wait for scripts that run, so long at most, and close the FIFOs."""
        if self._notifier is not None:
            await self._notifier.settle(seconds)
        if self._fifos is not None:
            self._fifos.close()

    def start(self, command: Command, *, variables: Mapping[str, str] | None = None) -> Process:
        """KernelError if that cannot be done."""
        from pyvrrp.kernel.processes import start

        return start(command, self._definitions.scripts, variables=variables)

    def _identify(self, user: str | None, group: str | None) -> Identity | None:
        from pyvrrp.kernel.processes import identify

        return identify(user, group, self._definitions.scripts)
