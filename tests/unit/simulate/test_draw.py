from __future__ import annotations

import xml.etree.ElementTree as ET

from pyvrrp.model.vrrp import Authentication, AuthType
from pyvrrp.simulate.chaos import tour
from pyvrrp.simulate.draw import draw
from pyvrrp.simulate.story import Story
from pyvrrp.simulate.summary import clock_text, document, figures, label, rows, verdict
from pyvrrp.simulate.world import World
from pyvrrp.units import SECOND
from tests.unit.simulate.stage import config, instance, pair, play

SVG = "{http://www.w3.org/2000/svg}"


def told() -> Story:
    steps, length = tour(pair())
    world = World(pair(), steps)
    world.run(length)
    return world.finish()


def test_the_picture_is_whole_and_needs_nothing_else() -> None:
    text = draw(told())
    root = ET.fromstring(text)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"V: 192.0.2.100", "a", "b", "MASTER"} <= set(texts)
    assert any("crash a" in (text or "") for text in texts)
    assert len(list(root.iter(f"{SVG}rect"))) > 10
    assert "href" not in text
    assert "<script" not in text


def test_bars_stay_within_the_picture() -> None:
    root = ET.fromstring(draw(told()))
    width = float(root.get("width") or 0)
    for bar in root.iter(f"{SVG}rect"):
        if bar.get("class") == "state":
            assert float(bar.get("x") or -1) >= 0
            assert float(bar.get("x") or 0) + float(bar.get("width") or 0) <= width + 1


def test_a_violation_is_drawn_and_told() -> None:
    configs = {
        name: config(instance(authentication=Authentication(type=AuthType.PASS, password=word)))
        for name, word in (("a", b"right"), ("b", b"<wrong>"))
    }
    story = play(configs, "", 20)
    assert "#d6336c" in draw(story).replace("#d6336c", "", 1)
    (sentence,) = verdict(story)
    assert sentence.startswith("a and b were both master of 192.0.2.100 from 3.609s to the end, 1.0012")


def test_the_page_holds_the_picture_and_the_figures() -> None:
    page = draw(told(), html=True)
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    assert "partition a | b" in page


def test_figures_rows_and_document() -> None:
    story = told()
    (service,) = story.services
    found = figures(service)
    assert found.one + found.none + found.two == story.duration
    assert found.longest_none >= 3 * SECOND
    assert [row.at for row in rows(story)] == sorted(row.at for row in rows(story))
    assert document(story)["services"][0]["figures"]["one"] == found.one
    assert label(("x", "y", "z")) == "x +2"


def test_clocks() -> None:
    assert [clock_text(at) for at in (0, 1_234_567, 61_000_000, 3_723_000_000)] == [
        "0.000s", "1.235s", "1m01.000s", "1h02m03.000s"
    ]  # fmt: skip
