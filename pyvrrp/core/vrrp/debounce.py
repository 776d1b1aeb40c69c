"""interface_up_down_delays: a link that goes up or down counts only once it has stayed so for a while."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pyvrrp.core.vrrp.events import InterfaceFacts
from pyvrrp.model.tracked import LinkDelay
from pyvrrp.units import Micros


class Debounce:
    """What of the devices counts."""

    def __init__(self, delays: Iterable[LinkDelay]) -> None:
        self._pending: dict[str, Micros] = {}
        """When the other state of a device counts."""
        self.configure(delays)

    def configure(self, delays: Iterable[LinkDelay]) -> None:
        """From now on; what waits already waits as long as it was to."""
        self._delays = {delay.interface: delay for delay in delays}

    def seen(self, at: Micros, name: str, facts: InterfaceFacts, counted: InterfaceFacts | None) -> InterfaceFacts:
        """What counts now that the device is seen like this; `counted`: what counted before, None: it was not there."""
        delay = self._delays.get(name)
        if delay is None or counted is None or counted.up is facts.up:
            self._pending.pop(name, None)
            return facts
        wait = delay.up if facts.up else delay.down
        if at >= self._pending.setdefault(name, at + wait):
            del self._pending[name]
            return facts
        return replace(facts, up=counted.up)

    def gone(self, name: str) -> None:
        """A device that is not there any more counts as such at once."""
        self._pending.pop(name, None)

    def deadline(self) -> Micros | None:
        return min(self._pending.values(), default=None)

    def due(self, at: Micros) -> list[str]:
        """The devices whose other state counts by now."""
        names = [name for name, due in self._pending.items() if due <= at]
        for name in names:
            del self._pending[name]
        return names
