"""The protocol's intervals (RFC 3768 §6.1, RFC 9568 §6.1), in integer microseconds."""

from __future__ import annotations

from pyvrrp.units import SECOND, Micros

OWNER_PRIORITY = 255


def skew_time(version: int, priority: int, master_advert_int: Micros) -> Micros:
    """How much longer than the others a director of this priority (1..255) waits.

    v2 divides one second whatever the interval (RFC 3768 §6.1); v3 divides the master's interval (RFC 9568 §6.1).
    """
    return (256 - priority) * (SECOND if version == 2 else master_advert_int) // 256


def master_down_interval(version: int, priority: int, master_advert_int: Micros, down_timer_adverts: int) -> Micros:
    """Silence after which the master counts as gone; `down_timer_adverts` is 3 in the RFCs."""
    return down_timer_adverts * master_advert_int + skew_time(version, priority, master_advert_int)
