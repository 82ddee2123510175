"""A hit that is only a piece of other words does not count; in doubt it counts. Neutral words only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.resources import files
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hegui.general.content import lexicon as package
from hegui.general.content.lexicon import (
    LexiconError,
    Place,
    Segmenter,
    decode,
    edges,
    load_lexicon,
)
from hegui.general.content.lexicon.segmenter import DOUBT, FAMILIAR, KNOWN, NAME, NAME_LEAST, NAME_MOST, SURE, TOGETHER
from hegui.general.content.lexicon.trie import MAGIC, encode

DIGEST = "a0bb96a16476231136a58e15adad25d3fd41081deebc85e860ff97fb85be3c95"
"""Of words.bin as `scripts/lexicon.py` writes it: whoever builds it again must get this."""
UNKNOWN = 200


@pytest.fixture(scope="module")
def segmenter() -> Segmenter:
    return Segmenter(load_lexicon())


def placed(segmenter: Segmenter, text: str, hit: str) -> Place:
    start = text.index(hit)
    return segmenter.place(text, start, start + len(hit))


def words_bin() -> bytes:
    return (files(package) / "words.bin").read_bytes()


# --- the file


def test_the_shipped_lexicon_is_the_one_that_the_script_writes_and_stays_small() -> None:
    data = words_bin()
    assert sha256(data).hexdigest() == DIGEST
    assert len(data) <= 4 << 20
    lexicon = load_lexicon()
    assert lexicon.words == sum(1 for _ in lexicon.items())
    assert lexicon.words >= 120_000
    assert lexicon.get("质量") is not None
    assert lexicon.get("质量守") is None
    assert lexicon.get("的") < lexicon.get("质量") < lexicon.get("守恒")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda _: b"", "too short"),
        (lambda data: data[:30], "too short"),
        (lambda data: data[:-1], "damaged"),
        (lambda data: data + b"\0", "damaged"),
        (lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:], "damaged"),
        (lambda data: b"PK\x03\x04" + data[4:], "no lexicon of this version"),
        (lambda data: MAGIC[:-1] + b"\x01" + data[len(MAGIC) :], "no lexicon of this version"),
    ],
    ids=["empty", "head cut", "end cut", "end added", "a bit turned", "another kind of file", "another version"],
)
def test_a_damaged_file_is_told_with_what_to_do(damage: object, said: str) -> None:
    assert callable(damage)
    with pytest.raises(LexiconError) as caught:
        decode(damage(words_bin()))
    assert said in caught.value.title.en
    assert "scripts/lexicon.py" in caught.value.remedy.zh


WORD_COSTS = st.dictionaries(
    st.text("甲乙丙丁戊", min_size=1, max_size=4), st.integers(1, 255), min_size=1, max_size=40
)
SPELT = st.dictionaries(st.sampled_from("甲乙丙丁"), st.integers(1, 60), max_size=4)


@given(WORD_COSTS)
def test_a_lexicon_holds_its_words_and_no_others(costs: dict[str, int]) -> None:
    lexicon = decode(encode(costs, UNKNOWN))
    assert dict(lexicon.items()) == costs
    assert all(lexicon.get(word + sign) == costs.get(word + sign) for word in costs for sign in "甲乙丙x\ue000")
    assert encode(dict(reversed(costs.items())), UNKNOWN) == encode(costs, UNKNOWN)


# --- the reading, against one that tries everything


def readings(text: str) -> Iterator[list[tuple[int, int]]]:
    inner = range(1, len(text))
    for number in range(len(text)):
        for cut in combinations(inner, number):
            at = [0, *cut, len(text)]
            yield list(pairwise(at))


def tried(costs: Mapping[str, int], spelt: Mapping[str, int], text: str, start: int, end: int) -> Place:
    """Say the same by trying every reading of the whole text."""
    far = 1 << 30

    def named(word: str) -> int:
        spells = NAME_LEAST <= len(word) <= NAME_MOST and all(sign in spelt for sign in word)
        return NAME + sum(spelt[sign] for sign in word) if spells else far

    least = {"whole": far, "torn": far, "holding": far}
    for reading in readings(text):
        cost = 0
        for one in reading:
            word = text[slice(*one)]
            known = min(costs.get(word, UNKNOWN if len(word) == 1 else far), named(word))
            cost += min(known, KNOWN) if one == (start, end) else known
        cut = {at for one in reading for at in one}
        if any(one != (start, end) and one[0] <= start and end <= one[1] for one in reading):
            kind = "holding"
        else:
            kind = "whole" if {start, end} <= cut else "torn"
        least[kind] = min(least[kind], cost)
    if least["whole"] > least["torn"] + DOUBT:
        return Place.TORN
    own = costs.get(text[start:end], KNOWN)
    sure = SURE + max(0, own - KNOWN) // 2
    said = least["whole"] + (TOGETHER if own < FAMILIAR else sure) <= least["holding"]
    return Place.WHOLE if said and least["whole"] + sure <= least["torn"] else Place.PART


@settings(max_examples=300)
@given(WORD_COSTS, SPELT, st.text("甲乙丙丁戊", min_size=2, max_size=8), st.data())
def test_the_reading_is_the_cheapest_of_all(
    costs: dict[str, int], spelt: dict[str, int], text: str, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, min(len(text) - 1, 5)))
    end = data.draw(st.integers(max(start + 1, len(text) - 4), len(text)))
    costs = costs | dict.fromkeys("甲乙丙丁戊", UNKNOWN)
    known = decode(encode(costs, UNKNOWN, spelt))
    assert Segmenter(known).place(text, start, end) is tried(costs, spelt, text, start, end)


def test_a_name_that_begins_before_the_longest_word_is_weighed_too() -> None:
    costs = dict.fromkeys("甲乙", UNKNOWN)
    assert Segmenter(decode(encode(costs, UNKNOWN, {"甲": 1}))).place("甲甲甲", 1, 2) is Place.PART


# --- the shipped lexicon on natural text


TORN = [
    ("遇到大麻烦了", "大麻"), ("质量守恒定律", "量守"), ("研究生命起源", "研究生"), ("结婚的和尚未结婚的", "和尚"),
    ("部分居民生活水平", "民生"), ("中外科学名著", "外科"), ("这里面积很大", "里面"), ("味道太平淡了", "太平"),
    ("使用户满意", "使用"), ("市场地位稳固", "场地"), ("提高产品质量", "高产"), ("人才能力很强", "才能"),
    ("他是个大法官", "大法"), ("高速公路上", "速公"), ("一马平川", "马平"),
    ("你老公真不错", "你老"), ("弄脏了一块小毛巾又不是", "小毛"), ("是越南人种的树", "人种"),
]  # fmt: skip
WHOLE = [
    ("他是一个研究生，", "研究生"), ("庙里有和尚在念经", "和尚"), ("民生工程", "民生"), ("太平天下", "太平"),
    ("高产作物", "高产"), ("大麻", "大麻"), ("田里种大麻卖钱", "大麻"), ("大，麻烦", "大"), ("质量，守恒", "质量"),
    ("我们说合规样例词甲子很好", "合规样例词甲子"), ("由质量守恒可知", "质量守恒"),
    ("abc标记def", "标记"), ("标", "标"), ("有证券市场", "市场"), ("一个阿特巴尔，", "阿特巴尔"),
    ("我看有异，", "有异"), ("王姗当在", "当在"),
]  # fmt: skip
PART = [
    ("上海火车站", "火车"), ("太阳能热水器", "太阳"), ("它的独立性", "独立"), ("马到成功", "成功"), ("减少二氧化碳排放", "氧化碳"),
    ("中华人民共和国", "中华人民"), ("富含维生素", "维生"), ("富丽堂皇的建筑", "富丽"), ("他叫夏洛克", "洛克"), ("在洛维塔尔山上", "维塔"),
    ("开机启动有异响", "有异"), ("老姗当在", "当在"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "hit", "place"),
    [
        *((*case, Place.TORN) for case in TORN),
        *((*case, Place.WHOLE) for case in WHOLE),
        *((*case, Place.PART) for case in PART),
    ],
)
def test_natural_cases(segmenter: Segmenter, text: str, hit: str, place: Place) -> None:
    start = text.index(hit)
    end = start + len(hit)
    assert segmenter.place(text, start, end) is place
    assert segmenter.whole(text, start, end) is (place is not Place.TORN)
    assert segmenter.whole(text, start, end, parts=False) is (place is Place.WHOLE)


@pytest.mark.parametrize(
    ("text", "hit", "counts"),
    [
        ("say av now", "av", True), ("average", "av", False), ("gav", "av", False), ("av片", "av", True),
        ("看av片", "av", True), ("av1", "av", False), ("3av", "av", False), ("é av", "av", True), ("v信号", "v信", True),
        ("wv信号", "v信", False), ("加v", "加v", True), ("加vx", "加v", False), ("加v，", "加v", True),
    ],
)  # fmt: skip
def test_latin_hits_count_at_the_edges_of_words_alone(segmenter: Segmenter, text: str, hit: str, counts: bool) -> None:
    start = text.index(hit)
    assert edges(text, start, start + len(hit)) is counts
    assert segmenter.whole(text, start, start + len(hit)) is counts


def test_ordinary_words_of_the_operators_field_take_part(segmenter: Segmenter) -> None:
    text = "这是甲样辰记的说明"
    assert segmenter.whole(text, 3, 5)
    known = Segmenter(load_lexicon(), extra=["甲样辰记", "辰"])
    assert known.place(text, 3, 5) is Place.PART
    assert known.place(text, 4, 6) is Place.PART
    assert known.place(text, 1, 3) is Place.TORN
    assert known.place(text, 2, 6) is Place.WHOLE


# --- what streams rely on

COMMON = st.text("的是大麻烦质量守恒研究生命起源中外科学市场地位火车站人才能力在和，a1", min_size=0, max_size=30)
HIT = st.text("大麻烦质量守恒研究生命科学市场火车，a", min_size=1, max_size=4)


@settings(max_examples=500)
@given(COMMON, HIT, COMMON, st.tuples(COMMON, COMMON))
def test_text_beyond_the_reach_changes_nothing(
    segmenter: Segmenter, before: str, hit: str, after: str, further: tuple[str, str]
) -> None:
    start, reach_before, reach_after = len(before), segmenter.reach_before, segmenter.reach_after
    place = segmenter.place(before + hit + after, start, start + len(hit))
    near = before[-reach_before:] + hit + after[:reach_after]
    at = min(start, reach_before)
    assert segmenter.place(near, at, at + len(hit)) is place
    if len(before) >= reach_before:
        longer = further[0] + before
        assert segmenter.place(longer + hit + after, len(longer), len(longer) + len(hit)) is place
    if segmenter.settled(before + hit + after, start + len(hit)):
        more = before + hit + after + further[1]
        assert segmenter.place(more, start, start + len(hit)) is place


def test_a_stream_may_decide_at_a_mark_or_after_the_reach(segmenter: Segmenter) -> None:
    assert not segmenter.settled("大麻", 2)
    assert not segmenter.settled("大麻烦", 2)
    assert segmenter.settled("大麻，", 2)
    assert segmenter.settled("大麻烦 ", 2)
    assert segmenter.settled("大麻" + "烦" * segmenter.reach_after, 2)


def test_a_new_segmenter_says_the_same(segmenter: Segmenter) -> None:
    other = Segmenter(decode(words_bin()))
    for text, _ in TORN + WHOLE + PART:
        for start, end in combinations(range(len(text) + 1), 2):
            assert other.place(text, start, end) is segmenter.place(text, start, end)


@pytest.mark.parametrize(
    ("before", "parts", "after", "apart"),
    [
        ("", ["标", "记"], "", True), ("他写了", ["标", "记"], "在纸上", True), ("写上", ["合规样", "例词", "甲子"], "就行", True),
        ("问题很", ["大", "麻"], "烦也很多", False), ("我喜欢苹", ["果", "汁"], "都好", False),
        ("去了", ["北京", "上"], "海和广州", False), ("很", ["大麻"], "烦", False), ("种", ["大麻"], "，", True),
    ],
)  # fmt: skip
def test_separators_inside_a_word_or_between_words(
    segmenter: Segmenter, before: str, parts: list[str], after: str, apart: bool
) -> None:
    assert segmenter.gap(before, parts, after) is apart
    assert segmenter.gap("，更远的前文" * 3 + "，" + before, parts, after + "，" + "更远的后文" * 3) is apart
