"""Hits are marked where they stand, overlapping ones too, and what can not be placed is said."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hegui.general.review.marks import first_excerpt, marked, pieces

TEXT = "一二三四五六七八九十"


@given(st.data())
def test_the_pieces_are_the_text_and_each_knows_its_hits(data: Any) -> None:
    ends = st.tuples(st.integers(0, len(TEXT)), st.integers(0, len(TEXT))).filter(lambda pair: pair[0] < pair[1])
    hits = dict(enumerate(data.draw(st.lists(ends, max_size=4)), 1))
    found = pieces(TEXT, hits)
    assert "".join(piece.text for piece in found) == TEXT
    at = 0
    for piece in found:
        for place in range(at, at + len(piece.text)):
            assert {number for number, (start, end) in hits.items() if start <= place < end} == set(piece.hits)
        at += len(piece.text)


def verdict(part: str, start: int, end: int, side: str = "input") -> dict[str, Any]:
    return {
        "part": part,
        "side": side,
        "start": start,
        "end": end,
        "rule": "keyword:2",
        "risk": "A.1.a",
        "lane": "exact",
    }


def text(part: str, said: str, side: str = "input") -> dict[str, Any]:
    return {"part": part, "side": side, "role": "user", "text": said, "withheld": None}


def test_a_hit_is_marked_in_its_own_text_alone() -> None:
    texts = [
        text("messages[0].content", TEXT),
        text("messages[1].content", TEXT),
        text("messages[0].content", TEXT, "output"),
    ]
    hits = [verdict("old:messages[0].content", 1, 3), verdict("messages[1].content", 9, 11), verdict("options", 0, 1)]
    shown, unplaced = marked(texts, hits)
    assert [[piece.hits for piece in item["pieces"]] for item in shown] == [[(), (1,), ()], [()], [()]]
    assert unplaced == {2, 3}, "one ends behind the text, one is in no text that is shown"


def test_an_excerpt_hides_a_number_that_its_edge_cuts() -> None:
    said = "13812345678" + "好" * 195 + "标记词甲" + "好" * 300
    number = verdict("input", 0, 11) | {"lane": "personal"}
    hits = [number, verdict("input", 206, 210)]
    shown, _ = marked([text("input", said)], hits)
    excerpt = first_excerpt(shown, hits)
    assert excerpt.word == "标记词甲"
    assert "标记词甲" in excerpt.phrase
    assert len(excerpt.text) == 404
    assert "2345" not in excerpt.text
    assert excerpt.text.startswith("***")
