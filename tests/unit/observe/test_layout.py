from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pyvrrp.observe.layout import NARROWEST, Column, Piece, Row, Style, flow, plain, printable, table, words

COLUMNS = (
    Column("NAME"),
    Column("IN", "BYTES", right=True, least=4),
    Column("OUT", "BYTES", right=True, least=4),
    Column("MORE", right=True, optional=True),
)


def row(*cells: str, notes: tuple[str, ...] = ()) -> Row:
    return Row([Piece(cell) for cell in cells], [words(note) for note in notes])


def test_columns_line_up_beneath_their_headers_and_groups() -> None:
    rows = [row("one", "1", "22222", "3", notes=("a note",)), row("two", "", "2", "")]
    assert plain(table(COLUMNS, rows, None)) == (
        "          BYTES\nNAME   IN   OUT MORE\none     1 22222    3\n    a note\ntwo           2\n"
    )


def test_no_rows_no_headers() -> None:
    assert table(COLUMNS, [], 80) == []


def test_optional_columns_go_before_anything_wraps() -> None:
    rows = [row("x" * 28, "1", "2", "3")]
    assert "MORE" in plain(table(COLUMNS, rows, 43))
    assert "MORE" not in plain(table(COLUMNS, rows, 42))
    assert "MORE" in plain(table(COLUMNS, rows, None))


def test_a_long_first_cell_stands_on_its_own_line() -> None:
    rows = [row("x" * 60, "1", "2", "3"), row("short", "1", "2", "3")]
    lines = plain(table(COLUMNS, rows, NARROWEST)).splitlines()
    assert lines[2] == "x" * 60
    assert lines[3].split() == ["1", "2"]
    assert lines[4].split() == ["short", "1", "2"]
    assert all(len(line) <= NARROWEST for line in lines if "x" not in line)


def test_flow_wraps_between_pieces_only() -> None:
    pieces = [Piece("2001:db8::1 dev eth0"), Piece("192.0.2.1"), Piece("x" * 50)]
    assert plain(flow(pieces, 40, 4)) == f"    2001:db8::1 dev eth0 192.0.2.1\n    {'x' * 50}\n"
    assert plain(flow(pieces, None, 4)).count("\n") == 1
    assert flow([], 40, 4) == []


@given(st.lists(st.text(min_size=1), max_size=30), st.integers(1, 100), st.integers(0, 20))
def test_flow_loses_nothing_and_keeps_to_the_width(texts: list[str], width: int, indent: int) -> None:
    lines = flow([Piece(text) for text in texts], width, indent)
    assert [piece.text for line in lines for piece in line[1::2]] == texts
    for line in lines:
        assert len(line) == 2 or sum(len(piece.text) for piece in line) <= width


def test_nothing_from_outside_reaches_the_terminal_unescaped() -> None:
    assert printable("ünï✓ 1") == "ünï✓ 1"
    assert printable("a\x1b[2Jb\n") == "a\\x1b[2Jb\\n"
    assert plain([[Piece("\x1b]0;title\x07", Style.BAD)]]) == "\\x1b]0;title\\x07\n"
