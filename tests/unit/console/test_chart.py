"""The chart: readable without eyes, whole without data, never drawn over a gap."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from hegui.console.chart import draw
from hegui.service.gateway.oversight.queries import Bin

SVG = "{http://www.w3.org/2000/svg}"
START = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)  # midnight in China


def bins(*figures: tuple[int, int, int, int, int]) -> list[Bin]:
    return [Bin(START + timedelta(minutes=30 * n), *figure) for n, figure in enumerate(figures)]


def drawn(of: list[Bin], lang: str = "zh") -> ET.Element:
    text = draw(of, lang)
    assert not re.search(r"nan|inf", text)
    return ET.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def boxes(root: ET.Element, style: str) -> list[dict[str, float]]:
    found = root.iterfind(f".//{SVG}rect[@class='{style}']")
    return [{key: float(item.attrib[key]) for key in ("x", "y", "width", "height")} for item in found]


NOTHING = (0, 0, 0, 0, 0)
SETS = {
    "no bins": [],
    "empty bins": bins(*[NOTHING] * 48),
    "one bin": bins((3, 1, 1, 20, 40)),
    "one among gaps": bins(NOTHING, (5, 0, 0, 10, 20), NOTHING),
    "all blocked": bins((7, 7, 0, 1, 1)),
    "huge": bins((10**9, 1, 1, 10**7, 10**8), (1, 0, 0, 0, 0)),
    "no time": bins((4, 0, 0, 0, 0)),
}


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", SETS)
def test_whatever_the_figures_the_chart_is_whole_and_stays_in_its_box(name: str, lang: str) -> None:
    root = drawn(SETS[name], lang)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for style in ("pass", "stop", "unknown"):
        for box in boxes(root, style):
            assert box["width"] > 0
            assert box["height"] > 0
            assert box["x"] >= 0
            assert box["y"] >= 0
            assert box["x"] + box["width"] <= width
            assert box["y"] + box["height"] <= height
    for line in root.iterfind(f".//{SVG}polyline"):
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= width
            assert 0 <= y <= height


@pytest.mark.parametrize(("lang", "words"), [("zh", "交互量"), ("en", "Exchanges, stops")])
def test_it_has_a_role_a_title_and_a_description_in_the_readers_language(lang: str, words: str) -> None:
    root = drawn(bins((10, 3, 2, 15, 80), (4, 0, 0, 15, 120)), lang)
    title, description = root.findtext(f"{SVG}title"), root.findtext(f"{SVG}desc")
    assert root.attrib["role"] == "img"
    assert title == root.attrib["aria-label"]
    assert title is not None
    assert title.startswith(words) or words in title
    assert description is not None
    assert re.findall(r"\d+", description.replace("95", "")) == ["14", "3", "2", "120"]


@pytest.mark.parametrize(("lang", "said"), [("zh", "没有交互。"), ("en", "No exchanges.")])
@pytest.mark.parametrize("name", ["no bins", "empty bins"])
def test_without_exchanges_it_says_so_and_draws_no_bar_and_no_line(name: str, lang: str, said: str) -> None:
    root = drawn(SETS[name], lang)
    assert root.findtext(f"{SVG}desc") == said
    assert [boxes(root, style) for style in ("pass", "stop", "unknown")] == [[], [], []]
    assert list(root.iterfind(f".//{SVG}polyline")) == list(root.iterfind(f".//{SVG}circle")) == []


def test_a_lone_figure_is_a_dot_and_two_in_a_row_are_a_line() -> None:
    lone = drawn(bins(NOTHING, (1, 0, 0, 10, 20), NOTHING))
    assert len(list(lone.iterfind(f".//{SVG}circle"))) == 2  # median and 95th percentile
    assert not list(lone.iterfind(f".//{SVG}polyline"))
    pair = drawn(bins((1, 0, 0, 10, 20), (1, 0, 0, 10, 20)))
    assert not list(pair.iterfind(f".//{SVG}circle"))
    assert {line.attrib["class"] for line in pair.iterfind(f".//{SVG}polyline")} == {"p50", "p95"}


def test_a_gap_is_not_drawn_over() -> None:
    some = (1, 0, 0, 10, 20)
    root = drawn(bins(some, some, NOTHING, NOTHING, some, some, some))
    lines = [line for line in root.iterfind(f".//{SVG}polyline") if line.attrib["class"] == "p95"]
    assert [len(line.attrib["points"].split()) for line in lines] == [2, 3]


def test_the_parts_of_a_bar_stand_on_each_other_and_keep_their_shares() -> None:
    root = drawn(bins((100, 30, 20, 10, 20)))
    ((passed,), (stopped,), (unknown,)) = (boxes(root, style) for style in ("pass", "stop", "unknown"))
    assert passed["y"] == pytest.approx(stopped["y"] + stopped["height"], abs=0.2)
    assert stopped["y"] == pytest.approx(unknown["y"] + unknown["height"], abs=0.2)
    assert passed["height"] / stopped["height"] == pytest.approx(50 / 30, rel=0.02)
    assert passed["height"] / unknown["height"] == pytest.approx(50 / 20, rel=0.02)


def test_one_stop_among_very_many_is_still_seen() -> None:
    (stopped,) = boxes(drawn(bins((1_000_000, 1, 0, 1, 1))), "stop")
    assert stopped["height"] >= 1


def test_each_bar_tells_its_figures_and_the_hour_in_china() -> None:
    root = drawn(bins((10, 3, 2, 15, 80), NOTHING))
    told = [group.findtext(f"{SVG}title") for group in root.iterfind(f"{SVG}g")]
    assert told == ["00:00: 10 / 3 / 2", "00:30: 0 / 0 / 0"]
    assert root.findall(f"{SVG}text[@class='axis']")[-1].text in {"00:00", "00:30"}


@pytest.mark.parametrize(("most", "axis"), [(1, "1"), (2, "2"), (3, "5"), (7, "10"), (11, "20"), (101, "200")])
def test_the_axis_ends_at_a_round_number(most: int, axis: str) -> None:
    root = drawn(bins((most, 0, 0, 0, 0)))
    assert root.findall(f"{SVG}text")[0].text == axis
