"""When gratuitous ARP is due while an instance is MASTER."""

from __future__ import annotations

from pyvrrp.model.vrrp import Garp, VirtualAddress, VrrpInstance
from pyvrrp.units import Micros


def earliest(one: Micros | None, other: Micros | None) -> Micros | None:
    """Of two instants, either of which may never come."""
    return other if one is None or (other is not None and other < one) else one


class GarpSchedule:
    """The bursts still to come. The first burst of a mastership is the machine's own, at once."""

    __slots__ = ("_again", "_extra", "_lower", "_refresh", "deadline")

    def __init__(self) -> None:
        self._again: Micros | None = None
        self._refresh: Micros | None = None
        self._lower: Micros | None = None
        self._extra: Micros | None = None
        self.deadline: Micros | None = None
        """When the next one is due. Kept, not computed: it is asked for at each advertisement."""

    def start(self, config: VrrpInstance, at: Micros) -> None:
        """Mastership began: a second burst after `delay`, and one every `refresh`."""
        garp = config.garp
        self._again = self.deadline = at + garp.delay if garp.delay else None
        self._lower = None
        if config.garp_extra_if or garp.refresh:
            self._extra = at + config.garp_extra_if.interval if config.garp_extra_if and elsewhere(config) else None
            self._refresh = at + garp.refresh if garp.refresh else None
            self._look_ahead()

    def lower_priority_met(self, garp: Garp, at: Micros) -> None:
        """A lower-priority advertisement was answered: once more after `lower_prio_delay`."""
        if garp.lower_prio_delay and garp.lower_prio_repeat:
            self._lower = at + garp.lower_prio_delay
            self._look_ahead()

    def clear(self) -> None:
        self._again = self._refresh = self._lower = self._extra = self.deadline = None

    def due(self, garp: Garp, at: Micros) -> int:
        """How many rounds to send now (0: none); what was due is rescheduled or done with."""
        if self.deadline is None or self.deadline > at:
            return 0
        repeat = 0
        if self._again is not None and self._again <= at:
            self._again = None
            repeat = garp.repeat
        if self._lower is not None and self._lower <= at:
            self._lower = None
            repeat = max(repeat, garp.lower_prio_repeat)
        if self._refresh is not None and self._refresh <= at:
            self._refresh = at + garp.refresh if garp.refresh else None
            repeat = max(repeat, garp.refresh_repeat)
        self._look_ahead()
        return repeat

    def extra_due(self, config: VrrpInstance, at: Micros) -> tuple[VirtualAddress, ...]:
        """Addresses of which the switches on their way would forget where they are: no advertisement goes by."""
        if self._extra is None or self._extra > at or config.garp_extra_if is None:
            return ()
        self._extra = at + config.garp_extra_if.interval
        self._look_ahead()
        return elsewhere(config)

    def _look_ahead(self) -> None:
        self.deadline = earliest(earliest(self._again, self._refresh), earliest(self._lower, self._extra))


def elsewhere(config: VrrpInstance) -> tuple[VirtualAddress, ...]:
    """Those that garp_extra_if is about: on VMACs, or on any device, that carry no advertisements."""
    extra = config.garp_extra_if
    every_device = extra is not None and extra.every_device
    own = {vmac.name for vmac in config.vmacs}
    return tuple(a for a in config.addresses if a.dev != config.advert_dev and (every_device or a.dev in own))
