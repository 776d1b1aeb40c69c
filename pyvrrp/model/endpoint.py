"""An address and a port."""

from __future__ import annotations

from dataclasses import dataclass

from pyvrrp.net import Address


@dataclass(frozen=True, slots=True, order=True)
class Endpoint:
    """Address and port; port 0 is "none given"."""

    address: Address
    port: int

    def __str__(self) -> str:
        host = f"[{self.address}]" if self.address.version == 6 else str(self.address)
        return f"{host}:{self.port}"
