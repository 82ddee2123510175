"""Data URLs without base64 in the answers of a chat: labelled where they can be, withheld where not, and words left as words."""

from __future__ import annotations

import base64
import html
import json
import re
from itertools import pairwise
from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hegui.service.gateway.media.desk import Desk
from hegui.service.gateway.media.labelling import WithheldError
from hegui.service.gateway.protocol import MARK, Json
from hegui.service.labels import files
from hegui.service.labels.files import Verdict
from tests.unit.gateway.attachments.test_events import URL, desk, labels_in, run, said, taken_whole, text_of
from tests.unit.gateway.media.labelling import NUMBER, picture

__all__ = ["desk"]  # a fixture
PNG = picture("PNG", (24, 18))
GIF = picture("GIF", (24, 18))
SVG = "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><text y='9'>标记词甲</text></svg>"
ALL = quote(PNG, safe="")
COMPONENT = quote(PNG, safe="-_.!~*'()")
IN_JSON = ALL.replace("%49", "\\u0049")
SPELT = {
    "every sign": f"图 data:image/png,{ALL} 完",
    "as encodeURIComponent writes": f"图 ![湖](data:image/png,{COMPONENT}) 完",
    "small digits": f"图 data:image/png,{re.sub('%..', lambda one: one[0].lower(), ALL)} 完",
    "case": f"图 DATA:Image/PNG,{ALL} 完",
    "parameters": f"图 data:image/png;name=a.png;charset=binary,{ALL} 完",
    "blanks": f"图 data: image/png ;,{ALL} 完",
    "a line end in the scheme": f'图 <img src="da\nta:image/png,{ALL}"> 完',
    "no type": f"图 data:,{ALL} 完",
    "other type": f"图 data:text/plain,{ALL} 完",
    "in an attribute": f"图 <img src='data:image/png,{ALL}'> 完",
    "a fragment": f"图 data:image/png,{ALL}#x 完",
    "as JSON writes it": f"图 data:image\\/png,{IN_JSON} 完",
    "words like it before": f"the data: it is, data:text/plain,a data:image/png,b 图 data:image/png,{ALL} 完",
    "another before it": f"图 data:text/plain,b,data:image/png,{ALL} 完",
}


def shown(text: str) -> list[Any]:
    """Return the labels of what a browser reads behind each comma."""
    found = [unquote_to_bytes(match) for match in re.findall(r",((?:%[0-9A-Fa-f]{2}|[\w.~!*-])+)", text)]
    return [files.inspect_bytes(data, "x.png") for data in found if data.startswith(PNG[:8])]


@pytest.mark.parametrize("text", SPELT.values(), ids=SPELT)
def test_a_file_in_percent_signs_is_labelled_in_every_spelling(text: str, desk: Desk) -> None:
    choice, held = taken_whole(desk, {"role": "assistant", "content": text})
    told = [(choice["message"]["content"], held)]
    for size in (1, 7, 5000):
        out, streamed = run(desk, *(said(text[at : at + size]) for at in range(0, len(text), size)), said("", "stop"))
        told.append((text_of(out), streamed))
    for answer, files_of in told:
        before = text.index("图")
        assert answer[:before] == text[:before]
        assert answer.endswith(text[-2:])
        [found] = shown(answer)
        assert (found.verdict, found.label.produce_id) == (Verdict.PRESENT, f"{NUMBER}-1")
        assert len(files_of.entries) == 1


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 400), max_size=25), kind=st.sampled_from(["png", "gif"]))
def test_it_is_found_in_any_pieces(cuts: list[int], kind: str, desk: Desk) -> None:
    whole = f"看：![图](data:image/{kind},{quote(PNG if kind == 'png' else GIF, safe='')})好。"
    places = sorted({0, len(whole), *cuts})
    out, held = run(desk, *(said(whole[one:two]) for one, two in pairwise(places)), MARK)
    text = text_of(out)
    match = re.fullmatch(rf"看：!\[图\]\(data:image/{kind},([\w%.~-]+)\)好。", text)
    assert match is not None
    found = files.inspect_bytes(unquote_to_bytes(match[1]), f"x.{kind}")
    assert found.verdict is Verdict.PRESENT
    assert len(held.entries) == 1


IN_CSS = quote(SVG, safe=" ='/:")
MARKED_UP = {
    "as it is": f"data:image/svg+xml,{SVG}",
    "percent": f"data:image/svg+xml,{quote(SVG)}",
    "every sign": f"data:image/svg+xml,{quote(SVG, safe='')}",
    "utf8": f"data:image/svg+xml;utf8,{SVG}",
    "charset": f"DATA:image/SVG+XML ; charset=UTF-8,{quote(SVG)}",
    "a declaration before": "data:image/svg+xml,%0A<?xml version='1.0'?><!-- 图 --><!DOCTYPE svg>" + SVG,
    "a prefix": "data:image/svg+xml,<s:svg xmlns:s='http://www.w3.org/2000/svg'><s:rect width='9' height='9'/></s:svg>",
    "in CSS": f'background: url("data:image/svg+xml,{IN_CSS}") no-repeat;',
    "in HTML": f'<img src="data:image/svg+xml,{html.escape(SVG, quote=False)}">',
    "in JSON": json.dumps({"icon": f"data:image/svg+xml,{SVG}".replace("'", '"')}),
    "as careful JSON writes it": json.dumps({"icon": f"data:image/svg+xml,{SVG}"}).replace("<", "\\u003c"),
    "not closed": f"data:image/svg+xml,{SVG[:-20]}",
}


@pytest.mark.parametrize("text", MARKED_UP.values(), ids=MARKED_UP)
def test_a_picture_in_markup_has_no_place_for_a_label_and_is_withheld(text: str, desk: Desk) -> None:
    call = {"role": "assistant", "tool_calls": [{"function": {"name": "draw", "arguments": text}}]}
    for message in ({"role": "assistant", "content": f"图 {text} 完"}, call):
        with pytest.raises(WithheldError) as told:
            taken_whole(desk, message)
        assert told.value.entry() == {"kind": "image", "container": "svg", "withheld": "format"}
    for size in (1, 9, 5000):
        with pytest.raises(WithheldError, match="format"):
            run(desk, *(said(text[at : at + size]) for at in range(0, len(text), size)), said("", "stop"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"data:image/png,{ALL[:-90]} 完", "unreadable"),
        ("data:image/bmp,BM" + "%00" * 90, "format"),
        ("data:video/mp4,%00%00%00%18ftypmp42" + "%00" * 90, "unreadable"),
        ("data:audio/aac," + "%FF%F1" * 60, "format"),
        (f"d\\u0061ta:image/png,{ALL}", "escaped"),
        (f"data:image/png;{'x' * 400};base64,{URL[22:]}", "escaped"),
    ],
)
def test_what_can_not_be_labelled_is_withheld(text: str, reason: str, desk: Desk) -> None:
    with pytest.raises(WithheldError, match=reason):
        taken_whole(desk, {"role": "assistant", "content": text})
    with pytest.raises(WithheldError, match=reason):
        run(desk, *(said(text[at : at + 9]) for at in range(0, len(text), 9)), said("", "stop"))


@pytest.mark.parametrize(
    "text",
    [
        "形如 data:image/svg+xml,<svg>…</svg> 的地址；其中 xmlns 必须写，否则图片不显示，这一点很多人会忘记，请务必记住这一点。",
        "Write `data:image/svg+xml,%3Csvg ...%3E` and put the xmlns into it, as every browser asks; 100% of them do so today.",
        "data:image/png, and behind it the bytes in percent signs such as %89PNG; " + "x" * 200,
        "the data: it is 5%, or <b>6%</b>, of all data: which is, as we said, little",
        "data:text/html,%3Ch1%3E" + "word%20" * 40,
        "data:application/json,%7B%22a%22%3A1%7D" + "%20" * 80,
        "data:image/gif,GIF89a",
        "data: " + "x" * 400 + ", <p>;",
    ],
)
@pytest.mark.parametrize("size", [1, 5, 400])
def test_words_about_such_addresses_stay_words(text: str, size: int, desk: Desk) -> None:
    choice, _ = taken_whole(desk, {"role": "assistant", "content": text})
    assert choice["message"]["content"] == text
    for end in ([said("", "stop"), MARK], [MARK]):
        out, held = run(desk, *(said(text[at : at + size]) for at in range(0, len(text), size)), *end)
        assert text_of(out) == text
        assert not held.entries


def test_escapes_of_other_letters_do_not_withhold_a_picture(desk: Desk) -> None:
    arguments = json.dumps({"src": URL, "alt": "caf\u00e9 \u0001"})
    assert "\\u00e9" in arguments
    message = {"role": "assistant", "tool_calls": [{"function": {"name": "show", "arguments": arguments}}]}
    choice, held = taken_whole(desk, message)
    told: Json = json.loads(choice["message"]["tool_calls"][0]["function"]["arguments"])
    assert told["alt"] == "caf\u00e9 \u0001"
    assert [found.verdict for found in labels_in(told["src"])] == [Verdict.PRESENT]
    assert len(held.entries) == 1


def test_a_picture_part_may_be_in_percent_signs_too(desk: Desk) -> None:
    part = {"type": "image_url", "image_url": {"url": f" data:image/png,{ALL}"}}
    choice, held = taken_whole(desk, {"role": "assistant", "content": "看", "images": [part]})
    url = choice["message"]["images"][0]["image_url"]["url"]
    assert files.inspect_bytes(base64.b64decode(url.partition(",")[2]), "x.png").verdict is Verdict.PRESENT
    assert len(held.entries) == 1
