"""Reversible replacement of personal information for calls to a model that should not see it.

A `Vault` lives as long as one exchange. What it finds is replaced by placeholders such as
⟦手机1⟧, the same text by the same placeholder; in the answer they are put back, whole or in a
stream. Nothing is written anywhere, and nothing is left when the vault is closed: with the whole
conversation given again, the next vault gives the same numbers.

Kinds that must never be restored are replaced by ⟦身份证号⟧ and the like, without a number, and never
enter the map. A placeholder that somebody wrote is replaced too (⟦原文1⟧) and put back as what was
written, so that it can never name the value of anybody else.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType, TracebackType
from typing import NoReturn, Self

from hegui.general.content import folding
from hegui.general.content.personal import Kind, NameFinder, find

OPEN, CLOSE = "⟦", "⟧"
LABELS: dict[Kind, str] = {
    Kind.RESIDENT_ID: "身份证号",
    Kind.HK_ID: "香港身份证号",
    Kind.MACAO_ID: "澳门身份证号",
    Kind.TAIWAN_ID: "台湾身份证号",
    Kind.MOBILE: "手机",
    Kind.BANK_CARD: "银行卡号",
    Kind.USCC: "信用代码",
    Kind.EMAIL: "邮箱",
    Kind.LANDLINE: "座机",
    Kind.HOTLINE: "热线",
    Kind.PASSPORT: "护照号",
    Kind.PERMIT: "通行证号",
    Kind.MILITARY_ID: "军人证号",
    Kind.SOCIAL_SECURITY: "社保号",
    Kind.PLATE: "车牌",
    Kind.QQ: "QQ",
    Kind.WECHAT: "微信号",
    Kind.IP: "IP",
    Kind.ADDRESS: "地址",
}
"""What stands in a placeholder of each kind."""
NAME_LABEL = "姓名"
WRITTEN_LABEL = "原文"
HIDDEN = frozenset(Kind) - {Kind.HOTLINE}
"""The kinds that are replaced unless told otherwise: hotlines are nobody's own."""
NEVER_RESTORED = frozenset({Kind.RESIDENT_ID, Kind.HK_ID, Kind.MACAO_ID, Kind.TAIWAN_ID, Kind.BANK_CARD})
"""The kinds that are not put back unless told otherwise."""

_LABELLED = "|".join(map(re.escape, sorted({*LABELS.values(), NAME_LABEL, WRITTEN_LABEL}, key=len, reverse=True)))
_WRITTEN = re.compile(f"{OPEN} ?(?:{_LABELLED}) ?[0-9]{{0,6}} ?{CLOSE}", re.IGNORECASE)
_Item = tuple[int, int, str, bool]


class Vault:
    """The values of one exchange behind their placeholders; in memory only, and gone once closed.

    Use it as a context manager. It is not to be kept, copied or written: pickling it is refused
    and its `repr` shows no value.
    """

    __slots__ = ("_begun", "_counts", "_hidden", "_names", "_never", "_placeholders", "_values")

    def __init__(
        self,
        *,
        hidden: Collection[Kind] = HIDDEN,
        never: Collection[Kind] = NEVER_RESTORED,
        names: NameFinder | None = None,
    ) -> None:
        self._hidden = frozenset(hidden)
        self._never = frozenset(never)
        self._names = names
        self._values: dict[str, str] = {}
        self._placeholders: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._begun: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Vault of {len(self._values)} values>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault is not to be kept: it holds personal information")

    def close(self) -> None:
        """Forget every value; what is restored later keeps its placeholders."""
        self._values.clear()
        self._placeholders.clear()
        self._counts.clear()
        self._begun.clear()

    def hide(self, text: str) -> str:
        """Return a text with what was found replaced; `restore` gives the text back but for what is never restored."""
        out, at = [], 0
        for start, end, placeholder in self.replaced(text):
            out += [text[at:start], placeholder]
            at = end
        return "".join(out) + text[at:]

    def replaced(self, text: str) -> list[tuple[int, int, str]]:
        """Return what `hide` replaces, in order: where it begins and ends in the text, and its placeholder."""
        return [
            (start, end, self._placeholder(label, text[start:end]) if kept else f"{OPEN}{label}{CLOSE}")
            for start, end, label, kept in self._items(text)
        ]

    def restore(self, text: str) -> str:
        """Return a whole answer with the placeholders of this vault put back."""
        restorer = Restorer(self)
        return restorer.feed(text) + restorer.finish()

    def restorer(self, write: Callable[[str], str] = str) -> Restorer:
        """Return what puts placeholders back in a stream; one for each channel.

        `write` says how a value is written there, such as with the escapes of JSON.
        """
        return Restorer(self, write)

    @property
    def values(self) -> Mapping[str, str]:
        """The values by placeholder, as they were written."""
        return MappingProxyType(self._values)

    def begun(self, text: str) -> bool:
        """Say whether a text is the beginning of a placeholder of this vault."""
        return text in self._begun

    def _placeholder(self, label: str, value: str) -> str:
        known = self._placeholders.get((label, value))
        if known is None:
            self._counts[label] = self._counts.get(label, 0) + 1
            known = f"{OPEN}{label}{self._counts[label]}{CLOSE}"
            self._placeholders[label, value] = known
            self._values[known] = value
            self._begun.update(known[:size] for size in range(1, len(known)))
        return known

    def _items(self, text: str) -> list[_Item]:
        """Return what is to be replaced, in order, none over another: the longest of what begins first."""
        fold = folding.fold(text)
        found: list[_Item] = [
            (fold.origin(match.start()), fold.end(match.end()), WRITTEN_LABEL, True)
            for match in _WRITTEN.finditer(fold.text)
        ]
        found += [
            (fold.origin(item.start), fold.end(item.end), LABELS[item.kind], item.kind not in self._never)
            for item in find(fold.text)
            if item.kind in self._hidden
        ]
        if self._names is not None:
            found += [(start, end, NAME_LABEL, True) for start, end in self._names(text) if start < end]
        return _apart(found)


def _apart(found: Iterable[_Item]) -> list[_Item]:
    """Return items that do not overlap; what must never be restored goes first, then the longer."""
    taken: list[_Item] = []
    for item in sorted(found, key=lambda item: (item[3], item[0] - item[1], item[0])):
        place = bisect(taken, item[0], key=lambda other: other[0])
        before, after = taken[place - 1 : place], taken[place : place + 1]
        if all(other[1] <= item[0] for other in before) and all(item[1] <= other[0] for other in after):
            taken.insert(place, item)
    return taken


class Restorer:
    """Puts placeholders back in text that comes in pieces; an open placeholder waits for its end.

    What waits is never longer than the longest placeholder of the vault. What only looks like a
    placeholder leaves unchanged, and values are not looked at again.
    """

    __slots__ = ("_held", "_vault", "_write")

    def __init__(self, vault: Vault, write: Callable[[str], str] = str) -> None:
        self._vault = vault
        self._write = write
        self._held = ""

    @property
    def held(self) -> str:
        """Return what waits."""
        return self._held

    def feed(self, piece: str) -> str:
        """Take a piece and return what may leave."""
        if not self._held and OPEN not in piece:
            return piece
        text, self._held = self._held + piece, ""
        vault, values = self._vault, self._vault.values
        longest = max(map(len, values), default=0)
        out, at = [], 0
        while (start := text.find(OPEN, at)) >= 0:
            out.append(text[at:start])
            end = text.find(CLOSE, start, start + longest)
            value = values.get(text[start : end + 1]) if end >= 0 else None
            if value is not None:
                out.append(self._write(value))
                at = end + 1
            elif len(text) - start < longest and vault.begun(text[start:]):
                self._held = text[start:]
                return "".join(out)
            else:
                out.append(OPEN)
                at = start + 1
        return "".join(out) + text[at:]

    def finish(self) -> str:
        """Say that no more comes, and return the rest as it is."""
        rest, self._held = self._held, ""
        return rest
