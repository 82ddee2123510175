"""Finding: one cheap look over the whole text, and the patterns only around what it points at.

Every string of every shape holds a sign that the look stops at: five digits, or ten digits and
marks, an @, the dots or colons of an address on the net, a house number, the beginning of a plate, or
微信 and its like, or a 一 before another figure. Signs are part of the hit itself, so that a hit never depends on what was before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from hegui.general.content.personal import address, cards
from hegui.general.content.personal.checksums import (
    card_valid,
    handle_valid,
    hk_id_valid,
    ipv4_valid,
    ipv6_valid,
    plate_valid,
    resident_id_valid,
    taiwan_id_valid,
)
from hegui.general.content.personal.contexts import SHORT_HOTLINE, SHORT_LANDLINE, WECHAT
from hegui.general.content.personal.kinds import Found, Kind
from hegui.general.content.personal.nets import EMAIL, IPV4, IPV6, PLATE, PROVINCE_SIGNS
from hegui.general.content.personal.numbers import FIGURES, HOTLINE, LANDLINE, ONE, SPELT_MOBILE, TO_NINE
from hegui.general.content.personal.shapes import Shape
from hegui.general.content.personal.tails import SHAPES
from hegui.kit.uscc import uscc_valid

Part = tuple[int, int]


def _bare(text: str) -> str:
    return text.replace("-", "").replace(" ", "")


def _any(_text: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Rule:
    """One shape of a kind, and what its strings must pass."""

    kind: Kind
    pattern: re.Pattern[str]
    reach: int
    fits: Callable[[str], bool]


def _rule(kind: Kind, shape: Shape, fits: Callable[[str], bool] = _any) -> Rule:
    return Rule(kind, re.compile(shape.caught), shape.longest + 2, fits)


# Where two rules claim the same characters, the first has them; those that no word tells come first, because a
# stream that masks only them lets the word go.
_AT_EDGES = (
    _rule(Kind.MOBILE, SHAPES[Kind.MOBILE][0]),
    _rule(Kind.RESIDENT_ID, SHAPES[Kind.RESIDENT_ID][0], lambda text: resident_id_valid(_bare(text))),
    _rule(Kind.BANK_CARD, SHAPES[Kind.BANK_CARD][0], lambda text: card_valid(_bare(text))),
    _rule(Kind.HK_ID, cards.HK_ID, hk_id_valid),
    _rule(Kind.TAIWAN_ID, cards.TAIWAN_ID, taiwan_id_valid),
    _rule(Kind.USCC, SHAPES[Kind.USCC][0], uscc_valid),
    _rule(Kind.LANDLINE, LANDLINE),
    _rule(Kind.HOTLINE, HOTLINE),
)
_SHORT_TOLD = (_rule(Kind.HOTLINE, SHORT_HOTLINE), _rule(Kind.QQ, SHAPES[Kind.QQ][0]))
_TOLD = (
    *(
        _rule(kind, SHAPES[kind][0])
        for kind in (Kind.PASSPORT, Kind.PERMIT, Kind.MILITARY_ID, Kind.SOCIAL_SECURITY)
    ),
    _rule(Kind.HK_ID, cards.HK_ID_TOLD, hk_id_valid),
    _rule(Kind.MACAO_ID, cards.MACAO_ID),
    _rule(Kind.LANDLINE, SHORT_LANDLINE),
    *_SHORT_TOLD,
)  # fmt: skip
_EMAIL = _rule(Kind.EMAIL, EMAIL)
_IPV4 = _rule(Kind.IP, IPV4, ipv4_valid)
_IPV6 = _rule(Kind.IP, IPV6, ipv6_valid)
_PLATE = _rule(Kind.PLATE, PLATE, plate_valid)
_WECHAT = _rule(Kind.WECHAT, WECHAT, handle_valid)
ANY_LONG = re.compile(3 * f"[{FIGURES}]")
"""Every number that is masked by default has three figures in a row; spelt out so that the search is a fast scan."""
_SPELT = _rule(Kind.MOBILE, SPELT_MOBILE, lambda text: not text.isascii() and bool(ANY_LONG.search(text)))
RULES = (*_AT_EDGES, _SPELT, *_TOLD, _EMAIL, _IPV4, _IPV6, _PLATE, _WECHAT)
"""Every rule but that of addresses, those first that have what two claim."""

_EDGES = re.compile(r"(?:[0-9](?=[0-9a-z][0-9]|6[ -])|[a-z+]|\((?=0[1-9]))(?<![0-9a-z].)", re.DOTALL)
"""Where a number may begin: digits follow, or 86 stands before them, or it is a word, a + or the bracket of an area code."""
_LED_BY = 20
"""How far before its digits a number at an edge can begin: a word, a country, letters of a code."""
_TOLD_BY = max(rule.reach for rule in _TOLD)
_SIX = 6

_RUN = re.compile(r"[0-9](?:[0-9]{4}|[0-9 ()-]{9})[0-9 ()-]*")
_HOUSE = re.compile(
    f"[{address.BEFORE_NUMBER}][{address.FIRST}]? ?[{address.COUNT}][{address.COUNT}-]{{0,9}} ?[{address.UNITS}]"
)
_COUNTS = frozenset(f"0123456789{address.CHINESE}- ")
"""What stands right before the unit in `_HOUSE`."""
_CAR = re.compile(f"[{PROVINCE_SIGNS}][a-hj-z]")
_AT = re.compile("@")
_DOTS = re.compile(r"\.[0-9]{1,3}\.")
_COLONS = re.compile(r":[0-9a-f]{0,4}:")
_SECOND = frozenset(TO_NINE)
_HANDLE = re.compile("[微薇威v]信|加v|[wv]x|we(?:ixin|chat)")
_LATIN_HANDLES = (b"wx", b"vx", b"weixin", b"wechat", b"?v")

_LETTERS = bytes.maketrans(b"123456789bcdefghijklmnopqrstuvwxyz", b"0" * 9 + b"a" * 25)
_DIGITS = bytes.maketrans(b"123456789 ()-", b"0" * 13)


class _Parts:
    """The parts of a text that one family of rules looks at: they come in order, and are joined where they touch."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def add(self, low: int, high: int) -> None:
        if self.parts and low <= self.parts[-1][1]:
            self.parts[-1] = (self.parts[-1][0], max(high, self.parts[-1][1]))
        else:
            self.parts.append((low, high))


def _at_edges(text: str, parts: Iterable[Part]) -> Iterator[Found]:
    done = dict.fromkeys(_AT_EDGES, 0)
    for low, high in parts:
        for edge in _EDGES.finditer(text, low, high):
            for rule in _AT_EDGES:
                if edge.start() >= done[rule]:
                    found = _taken(rule, rule.pattern.match(text, edge.start()), text)
                    if found:
                        done[rule] = found.end
                        yield found


def _taken(rule: Rule, match: re.Match[str] | None, text: str) -> Found | None:
    if match is None:
        return None
    start, end = match.span(match.lastindex or 0)
    return Found(rule.kind, start, end, valid=True) if rule.fits(text[start:end]) else None


def _inside(rule: Rule, text: str, parts: Iterable[Part]) -> Iterator[Found]:
    """Yield what a rule finds; after a string that does not fit the search goes on behind its first character.

    The search sees nothing behind its part, so what it finds is tried again with the text that follows.
    """
    for low, high in parts:
        at = low
        while seen := rule.pattern.search(text, at, high):
            match = rule.pattern.match(text, seen.start())
            found = _taken(rule, match, text)
            at = match.end() if match and found else seen.start() + 1
            if found:
                yield found


def _starting(rule: Rule, text: str, places: Iterable[int]) -> Iterator[Found]:
    done = 0
    for place in places:
        if place >= done:
            found = _taken(rule, rule.pattern.match(text, place), text)
            if found:
                done = found.end
                yield found


def _numbers(text: str, start: int) -> Iterator[Found]:
    edges, told, short = _Parts(), _Parts(), _Parts()
    for run in _RUN.finditer(text, start):
        first, last = run.span()
        many = last - first >= _SIX
        (told if many else short).add(max(start, first - _TOLD_BY), last + _TOLD_BY)
        if many:
            edges.add(max(start, first - _LED_BY), last)
    yield from _at_edges(text, edges.parts)
    for rule in _TOLD:
        yield from _inside(rule, text, told.parts)
    for rule in _SHORT_TOLD:
        yield from _inside(rule, text, short.parts)


def _around(rule: Rule, sign: re.Pattern[str], text: str, start: int) -> Iterator[Found]:
    parts = _Parts()
    for match in sign.finditer(text, start):
        parts.add(max(start, match.start() - rule.reach), match.end() + rule.reach)
    yield from _inside(rule, text, parts.parts)


def _cars(text: str, start: int) -> Iterator[Found]:
    return _starting(_PLATE, text, (match.start() for match in _CAR.finditer(text, start)))


def _houses(text: str, start: int) -> Iterator[Found]:
    parts = _Parts()
    for match in _HOUSE.finditer(text, start):
        parts.add(max(start, match.start() - address.LONGEST), match.end() + address.LONGEST)
    for low, high in parts.parts:
        for first, last in address.spans(text, low, high):
            yield Found(Kind.ADDRESS, first, last, valid=True)


def _is_counted(text: str, start: int) -> bool:
    """Say whether a unit of houses has a number before it; most texts hold one, few with a number."""
    for unit in address.UNITS:
        at = text.find(unit, start)
        while at >= 0:
            if text[at - 1 : at] in _COUNTS:
                return True
            at = text.find(unit, at + 1)
    return False


def _spelt(text: str, start: int) -> Iterator[Found]:
    """Look at each figure for one: a search for a single character is several times faster than one for a class."""
    places: list[int] = []
    for sign in ONE:
        at = text.find(sign, start)
        while at >= 0:
            if text[at + 1 : at + 2] in _SECOND:
                places.append(at)
            at = text.find(sign, at + 1)
    return _starting(_SPELT, text, sorted(places)) if places else iter(())


def _handles(text: str, start: int) -> Iterator[Found]:
    return _starting(_WECHAT, text, (match.start() for match in _HANDLE.finditer(text, start)))


def _look(text: str, start: int) -> Iterator[Iterator[Found]]:
    """Yield what is worth looking for: a text that lacks a sign of a kind, anywhere, has none of that kind.

    Asked of the text's ASCII alone, a byte for every character, and of single characters: both are
    a few times faster than any pattern.
    """
    plain = text.encode("ascii", "replace")
    forms = plain.translate(_LETTERS)
    if b"0" in forms:
        if b"00000" in forms or b"0000000000" in plain.translate(_DIGITS):
            yield _numbers(text, start)
        if b"?a" in forms:
            yield _cars(text, start)
        if b"0.0" in forms and forms.count(b".") > 2:  # noqa: PLR2004 - there are three in an address
            yield _around(_IPV4, _DOTS, text, start)
        if forms.count(b":") > 1:
            yield _around(_IPV6, _COLONS, text, start)
    if b"?" in plain:
        yield _spelt(text, start)
    if b"@" in forms:
        yield _around(_EMAIL, _AT, text, start)
    latin = b"a" in forms and any(map(plain.__contains__, _LATIN_HANDLES))
    if latin or ("信" in text and any(map(text.__contains__, "微薇威v"))):
        yield _handles(text, start)
    if _is_counted(text, start):
        yield _houses(text, start)


def find(text: str, start: int = 0) -> Iterator[Found]:
    """Yield the identifiers in a folded text from `start` on, in their order; earlier text is context only.

    Those whose check digit does not fit are left out. No two have the same place, but one may lie in another: a
    stream in which only the inner kind is masked could not know of the outer.
    """
    found: dict[Part, Found] = {}
    for item in chain.from_iterable(_look(text, start)):
        found.setdefault((item.start, item.end), item)
    return iter(sorted(found.values(), key=lambda item: (item.start, item.end)) if found else ())
