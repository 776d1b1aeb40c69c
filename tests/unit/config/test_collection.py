from __future__ import annotations

import gc

import pytest

from pyvrrp.config import load
from pyvrrp.config.collection import no_collection
from pyvrrp.config.memory import Memory
from tests.unit.config.files import source


def test_the_collector_rests_meanwhile() -> None:
    assert gc.isenabled()
    with no_collection():
        assert not gc.isenabled()
        with no_collection():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with no_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_it_works_again_after_an_error() -> None:
    with pytest.raises(KeyError), no_collection():
        raise KeyError
    assert gc.isenabled()


def test_what_is_read_has_no_cycles() -> None:
    """The daemon keeps the collector from ever looking at it."""
    memory = Memory()
    server = "virtual_server 192.0.2.1 {0} {{\nprotocol TCP\nreal_server 10.0.0.1 80 {{\nTCP_CHECK {{\n}}\n}}\n}}\n"
    router = "vrrp_instance V{0} {{\ninterface eth0\nvirtual_router_id {0}\nvirtual_ipaddress {{\n192.0.2.{0}\n}}\n}}\n"
    wrong = "vrrp_instance W {\nintreface eth0\npriority x\n"
    texts = ["".join(server.format(n) + router.format(n) for n in range(1, last)) + wrong for last in (9, 10)]
    for text in texts:
        load(source(text), memory)
    gc.collect()
    gc.disable()
    try:
        for text in texts:
            load(source(text), memory)
        assert gc.collect() == 0
    finally:
        gc.enable()
