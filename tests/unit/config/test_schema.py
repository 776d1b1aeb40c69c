from __future__ import annotations

import pytest

from pyvrrp.config.inactive import INACTIVE
from pyvrrp.config.schema import LINE, ROOT, Keyword, blocks_of, schema
from pyvrrp.errors import ProblemClass

ROWS = [(path, row) for path, table in schema().items() for row in table.values()]


@pytest.mark.parametrize(("path", "row"), ROWS, ids=[f"{path}:{row.word}" for path, row in ROWS])
def test_every_row_is_complete(path: str, row: Keyword) -> None:
    assert row.meaning.strip()
    assert row.default.strip()
    if row.opens is not None:
        assert row.opens in schema()
    if row.instead is not None:
        assert blocks_of(row.instead), f"{row.instead} is no keyword"
    if row.effect is not None:
        assert row.effect.format(name="N", value="V")
    for needed in row.needs:
        assert row.opens is not None
        assert needed == LINE or needed in schema()[row.opens]


def test_every_word_for_inactive_is_used() -> None:
    used = {row.effect for _, row in ROWS}
    assert [code for code, effect in INACTIVE.items() if effect not in used] == []


def test_every_block_can_be_opened_or_is_shared() -> None:
    opened = {row.opens for _, row in ROWS}
    assert schema().keys() - opened == {ROOT, "address", "connection", "timing"}


def test_what_stops_keepalived_without_an_argument() -> None:
    """Each was tried: `keepalived -t` 2.2.7 exits 2, or complains and goes on."""
    instance = schema()["vrrp_instance"]
    assert instance["virtual_router_id"].mandatory
    assert instance["notify_master"].mandatory
    assert not instance["use_vmac"].mandatory
    definitions = schema()["global_defs"]
    assert definitions["router_id"].reported
    assert not definitions["router_id"].mandatory
    assert definitions["vrrp_version"].mandatory
    root = schema()[ROOT]
    assert root["vrrp_script"].mandatory
    assert root["vrrp_instance"].reported
    assert not root["global_defs"].mandatory


def test_retry_has_an_older_spelling_where_people_write_it() -> None:
    check = "virtual_server/real_server/TCP_CHECK"
    row = schema()[check]["nb_get_retry"]
    assert (row.says, row.instead, row.effect) == (ProblemClass.UNKNOWN_KEYWORD, "retry", None)
    assert set(blocks_of("connect_port")) >= {check, "virtual_server/real_server/HTTP_GET"}


def test_shared_keywords_are_the_same_rows() -> None:
    get, ssl = schema()["virtual_server/real_server/HTTP_GET"], schema()["virtual_server/real_server/SSL_GET"]
    assert get["fast_recovery"] is ssl["fast_recovery"]
    assert "tls_compliant" in ssl
    assert "tls_compliant" not in get
