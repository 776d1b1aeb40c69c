from __future__ import annotations

import pytest
from scapy.layers.dns import DNS

from pyvrrp.wire.dns import TYPES, encode_name, query, rcode


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("name", [".", "a.example", "a.example."])
def test_a_query_as_scapy_reads_it(type_: str, name: str) -> None:
    read = DNS(query(0x1234, name, type_))
    assert (read.id, read.qr, read.opcode, read.rd, read.qdcount, read.ancount) == (0x1234, 0, 0, 1, 1, 0)
    asked = read.qd[0]
    assert asked.qname == (name if name.endswith(".") else name + ".").encode()
    assert (asked.qtype, asked.qclass) == (TYPES[type_], 1)


@pytest.mark.parametrize("name", ["a..b", ".a", "", "x" * 64, ".".join(["x" * 63] * 4)])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"label|longer"):
        encode_name(name)


def test_the_reply_to_a_query() -> None:
    asked = query(7, ".", "SOA")
    assert rcode(asked, 7) is None
    for code in (0, 2, 3, 5):
        reply = bytes(DNS(id=7, qr=1, rcode=code))
        assert rcode(reply, 7) == code
        assert rcode(reply, 8) is None
        assert rcode(reply[:11], 7) is None
