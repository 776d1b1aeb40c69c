"""An instance's own advertisements: encoded once, sent many times."""

from __future__ import annotations

from pyvrrp.core.vrrp.actions import SendAdvert
from pyvrrp.model.vrrp import AuthType, VrrpInstance
from pyvrrp.net import Address
from pyvrrp.units import CENTISECOND, SECOND
from pyvrrp.wire.vrrp import AUTH_DATA_LENGTH, NO_AUTH_DATA, AdvertV2, AdvertV3, encode_v2, encode_v3


class Advertiser:
    """Messages by priority, valid for one configuration and source address."""

    __slots__ = ("_config", "_identification", "_ready", "_source")

    def __init__(self, config: VrrpInstance) -> None:
        self._config = config
        self._source: Address | None = None
        self._identification = 0
        self._ready: dict[int, list[tuple[tuple[Address, ...], bytes]]] = {}

    def use(self, config: VrrpInstance, source: Address | None) -> None:
        """From now on advertise this; the IP identification counts on."""
        if config != self._config or source != self._source:
            self._config, self._source = config, source
            self._ready.clear()

    def round(self, priority: int) -> list[SendAdvert]:
        """One round of advertisements; empty while there is no source address to send from."""
        source = self._source
        if source is None:
            return []
        ready = self._encoded(priority, source)
        self._identification = self._identification % 0xFFFF + 1
        config = self._config
        return [
            SendAdvert(config.name, config.interface, source, destinations, message, self._identification)
            for destinations, message in ready
        ]

    def prepare(self, priority: int) -> None:
        """Have the messages ready before a takeover needs them."""
        if self._source is not None:
            self._encoded(priority, self._source)

    def _encoded(self, priority: int, source: Address) -> list[tuple[tuple[Address, ...], bytes]]:
        ready = self._ready.get(priority)
        if ready is None:
            ready = self._ready[priority] = self._encode(priority, source)
        return ready

    def _encode(self, priority: int, source: Address) -> list[tuple[tuple[Address, ...], bytes]]:
        """The message for each set of destinations that can share it (v3's checksum covers the destination)."""
        config = self._config
        addresses = tuple(address.address for address in config.virtual_ipaddress)
        destinations = config.unicast_peer or (config.mcast_dst_ip,)
        if config.version == 2:
            authentication = config.authentication
            advert = AdvertV2(
                virtual_router_id=config.virtual_router_id,
                priority=priority,
                auth_type=AuthType.NONE if authentication is None else authentication.type,
                advert_int=config.advert_int // SECOND,
                addresses=tuple(address for address in addresses if address.version == 4),
                auth_data=NO_AUTH_DATA if authentication is None else padded(authentication.password),
            )
            return [(destinations, encode_v2(advert))]
        advert3 = AdvertV3(
            virtual_router_id=config.virtual_router_id,
            priority=priority,
            advert_int=config.advert_int // CENTISECOND,
            addresses=addresses,
        )
        return [((destination,), encode_v3(advert3, source, destination)) for destination in destinations]


def padded(password: bytes) -> bytes:
    """auth_pass as it stands in the message (RFC 2338 §5.3.6.2)."""
    return password.ljust(AUTH_DATA_LENGTH, b"\0")
