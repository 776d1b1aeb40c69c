"""TCP_CHECK: whoever accepts a connection is well."""

from __future__ import annotations

import socket
from errno import EINPROGRESS

from pyvrrp.checkers.connecting import SERVER_FAULTS, open_socket, sockaddr, words
from pyvrrp.checkers.outcome import PASSED, CheckFailed, CheckNotStarted, Done, Outcome
from pyvrrp.checkers.watcher import OUT, Conversation, Watcher
from pyvrrp.model.checkers import ConnectOptions, TcpCheck
from pyvrrp.units import seconds


class Connection(Conversation):
    """Connects. Whoever wants more than that does it in `connected`."""

    __slots__ = ("_connecting", "_error", "options")

    def __init__(self, options: ConnectOptions, watcher: Watcher, done: Done) -> None:
        """CheckNotStarted if it cannot begin."""
        super().__init__(watcher, open_socket(options, socket.SOCK_STREAM), done)
        self.options = options
        self._connecting = True
        self._error = 0
        try:
            error = self.socket.connect_ex(sockaddr(options, options.target))
        except OSError as unknown:  # the interface of a link-local address
            error = unknown.errno or 0
        if error not in (0, EINPROGRESS):
            if error not in SERVER_FAULTS:
                self.cancel()
                raise self._own_fault(error)
            self._error = error  # the socket hangs up, so that `ready` comes at once
        watcher.watch(self, OUT, seconds(options.connect_timeout))

    def connected(self) -> None:
        self.end(PASSED)

    def ready(self) -> None:
        if self._connecting:
            self._connecting = False
            error = self._error or self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self.end(self._fault(error))
                return
        self.connected()

    def late(self) -> None:
        self.end(CheckFailed(f"no answer in {seconds(self.options.connect_timeout):g} s"))

    def _fault(self, error: int) -> Outcome:
        return CheckFailed(words(error)) if error in SERVER_FAULTS else self._own_fault(error)

    def _own_fault(self, error: int) -> CheckNotStarted:
        return CheckNotStarted(f"cannot connect to {self.options.target}: {words(error)}")


def start(checker: TcpCheck, watcher: Watcher, done: Done) -> Connection:
    """Connect and close at once. CheckNotStarted."""
    return Connection(checker.connect, watcher, done)
