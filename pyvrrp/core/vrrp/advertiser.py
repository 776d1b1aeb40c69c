"""An instance's own advertisements: encoded once, sent many times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyvrrp.core.vrrp.actions import SendAdvert
from pyvrrp.model.vrrp import AuthType, UnicastChecksum, VrrpInstance
from pyvrrp.net import VRRP_GROUP4, VRRP_TTL, Address
from pyvrrp.units import CENTISECOND, SECOND, Micros
from pyvrrp.wire.vrrp import AUTH_DATA_LENGTH, NO_AUTH_DATA, AdvertV2, AdvertV3, encode_v2, encode_v3, expected_length

if TYPE_CHECKING:
    from pyvrrp.core.vrrp.credentials import Credentials

MOST_ADDRESSES = 255
"""The count has 8 bits."""
_IP_HEADER = {4: 20, 6: 40}
_ADDRESS = {4: 4, 6: 16}
_AH, _HMAC = 24, 28


def fitting(config: VrrpInstance, mtu: int) -> tuple[Address, ...]:
    """The addresses to advertise: as many of virtual_ipaddress, in their order, as one packet of the device holds."""
    family = config.family
    room = (mtu - _overhead(config)) // _ADDRESS[family]
    addresses = [address.address for address in config.virtual_ipaddress if address.address.version == family]
    return tuple(addresses[: max(0, min(room, MOST_ADDRESSES))])


def largest(config: VrrpInstance, mtu: int) -> int:
    """Bytes of an advertisement's packet."""
    return _overhead(config) + len(fitting(config, mtu)) * _ADDRESS[config.family]


def _overhead(config: VrrpInstance) -> int:
    """Bytes of a packet without addresses."""
    size = _IP_HEADER[config.family] + expected_length(config.version, config.family, 0)
    size += _AH if config.authentication is not None and config.authentication.type is AuthType.AH else 0
    return size + (_HMAC if config.auth_hmac is not None else 0)


class Advertiser:
    """Messages by priority, valid for one configuration, source and list of addresses."""

    __slots__ = ("_addresses", "_config", "_credentials", "_identification", "_old", "_ready", "_source")

    def __init__(self, config: VrrpInstance) -> None:
        self._config = config
        self._source: Address | None = None
        self._addresses: tuple[Address, ...] = ()
        self._credentials: Credentials | None = None
        self._old: frozenset[Address] = frozenset()
        self._identification = 0
        self._ready: dict[int, list[tuple[tuple[Address, ...], bytes]]] = {}

    def use(
        self,
        config: VrrpInstance,
        source: Address | None,
        addresses: tuple[Address, ...],
        credentials: Credentials | None,
        old: frozenset[Address] = frozenset(),
    ) -> None:
        """From now on advertise this; the IP identification counts on. `old`: peers whose checksums are the old way."""
        self._credentials = credentials
        if source is None and self._source is not None and self._source.version == 4:
            source = self._source  # the kernel takes a farewell from an address that is lost
        if (config, source, addresses, old) != (self._config, self._source, self._addresses, self._old):
            self._config, self._source, self._addresses, self._old = config, source, addresses, old
            self._ready.clear()

    def round(self, priority: int, at: Micros) -> list[SendAdvert]:
        """One round of advertisements; empty while there is no source address to send from."""
        source = self._source
        if source is None:
            return []
        self._identification = number = self._identification % 0xFFFF + 1
        config, credentials = self._config, self._credentials
        ttl: int | None = VRRP_TTL
        if config.unicast_peer and (config.unicast_ttl is not None or source.version == 6):
            ttl = config.unicast_ttl
        ready = self._encoded(priority, source)
        if credentials is None:
            return [
                SendAdvert(config.name, config.advert_dev, source, destinations, message, number, ttl)
                for destinations, message in ready
            ]
        return [
            SendAdvert(
                config.name,
                config.advert_dev,
                source,
                (destination,),
                credentials.seal(message, source, destination, number, at),
                number,
                ttl,
                credentials.protocol,
            )
            for destinations, message in ready
            for destination in destinations
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
        """The message for each set of destinations that can share it (checksums may cover the destination)."""
        config = self._config
        destinations = config.unicast_peer or (config.mcast_dst_ip,)
        if config.version == 2:
            authentication = config.authentication
            password = authentication is not None and authentication.type is AuthType.PASS
            advert = AdvertV2(
                virtual_router_id=config.virtual_router_id,
                priority=priority,
                auth_type=AuthType.NONE if authentication is None else authentication.type,
                advert_int=config.advert_int // SECOND,
                addresses=self._addresses,
                auth_data=padded(authentication.password) if authentication and password else NO_AUTH_DATA,
            )
            if source.version == 4:
                return [(destinations, encode_v2(advert))]
            return [((destination,), encode_v2(advert, source, destination)) for destination in destinations]
        advert3 = AdvertV3(
            virtual_router_id=config.virtual_router_id,
            priority=priority,
            advert_int=config.advert_int // CENTISECOND,
            addresses=self._addresses,
        )
        return [
            ((destination,), encode_v3(advert3, source, self._covered(destination))) for destination in destinations
        ]

    def _covered(self, destination: Address) -> Address | None:
        """The destination that the checksum of a version 3 message covers."""
        config = self._config
        if destination.version == 6:
            return destination
        if config.v3_checksum_as_v2:
            return None
        if config.unicast_peer and (config.old_unicast_checksum is UnicastChecksum.OLD or destination in self._old):
            return VRRP_GROUP4
        return destination


def padded(password: bytes) -> bytes:
    """auth_pass as it stands in the message (RFC 2338 §5.3.6.2)."""
    return password.ljust(AUTH_DATA_LENGTH, b"\0")
