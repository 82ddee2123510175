"""The tables that undo the hiding of words: what a character is folded to, read as, or written in parts as.

`scripts/fold-tables.py` writes the files from pinned packages at a release and `SOURCES.txt` says which; nothing is
downloaded at run time. Each table is loaded once, on first use, all of them in under 30 milliseconds; what is
returned is shared and must not be changed. Words of a library are folded by the same tables as the text, so a fold
never loses a word; it costs false hits where two different words become one. Each table is a switch of its own.

The order is: NFKC, case and marks (`folding`), then `lookalikes`, then `simplified`, then `numerals`. Keys are in the
form that the step before leaves, but for look-alikes that NFKC spreads over several characters (⑴, ⒈, ㈠, 🄐): look
the original character up first. Folding twice gives what folding once gives.

`simplified`: OpenCC's traditional characters to the first simplified one, its Hong Kong and Taiwan variants, Japanese
forms, and the variants that its phrases write. A character of GB 2312 is never a key, but for the 16 that OpenCC
itself simplifies (後於乾徵夥菸摺捱麴吒拚榘醣薹袷麽): without them one traditional word in twenty is missed, they are
rare in mainland text (34 in 1.37 million characters) and no two different common words meet by them. Left out: 著
(着), 瞭 (了), 藉 (借), 覆 (复), 沈 (沉), 甚 (什), 么 (幺), 像 (象), 里, 只 and the like, which are common words as they
stand; what only phrases tell apart (麵/面, 後/后 written simplified); and what has no simplified form in the basic plane.

`lookalikes`: letters of other scripts that look like Latin ones, digits of every script and dress, letters in circles
and squares, kana and radicals that look like Chinese characters. ASCII is never a key (0 is not o, 1 is not l), nor are
the Indic, Arabic and Hebrew letters that look like an o or an l, for text in those scripts is real. A letter has one
base for both cases, by its small form (ν is v, so Ν is too). Regional indicators (🇦) are letters here and separators
there, since they spell words and make flags: a lane that skips separators asks for the original character.

`numerals`: Chinese numerals to digits. They stand in ordinary words (统一, 万一), so they cost the most false hits.

`separators`: spaces, control and format characters, punctuation, symbols, emoji with what joins and colours them, and
private-use characters. Line ends are separators too: how many may stand between two characters is for the caller to
limit. Never a letter, a digit, a Chinese character or a radical, nor a symbol that folds to one (①, ㎏, ™).

`syllables`: readings without tone, the most common first, u-umlaut as v; of GB 2312 every reading that a phrase of
the dictionary uses, of rarer characters the first alone. `splits`: how a character is written as its parts, and none
that ordinary text or a dictionary word contains (好 as 女子), unless asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from pathlib import Path

_HERE = Path(__file__).parent
_BEYOND = 0xE0000
"""From here on there are tags, variation selectors and private use alone."""
_NONE = (0xFDD0, 0xFDEF)


def _lines(name: str) -> Iterator[str]:
    text = (_HERE / name).read_text("utf-8")
    return (line for line in text.split("\n") if line and not line.startswith("#"))


def _sections(name: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    for line in _lines(name):
        if line.startswith("["):
            current = sections.setdefault(line[1:-1], [])
        else:
            current.append(line)
    return sections


def _grouped(name: str) -> dict[str, str]:
    return {key: line[0] for line in _lines(name) for key in line[1:]}


@cache
def simplified() -> dict[str, str]:
    """Return traditional, Japanese and variant characters to the simplified one."""
    return _grouped("simplified.txt")


@cache
def lookalikes() -> dict[str, str]:
    """Return what looks like a small Latin letter, an ASCII digit or a Chinese character to that one."""
    return _grouped("lookalikes.txt")


@cache
def numerals() -> dict[str, str]:
    """Return Chinese numerals to digits, the formal 拾, 佰 and 仟 to 十, 百 and 千; keys are simplified."""
    return _grouped("numerals.txt")


@cache
def separators() -> frozenset[str]:
    """Return every character that people insert between the characters of a word, of all planes."""
    ends = (line.split("-") for line in _lines("separators.txt"))
    return frozenset(map(chr, chain.from_iterable(range(int(first, 16), int(last, 16) + 1) for first, last in ends)))


def is_separator(character: str) -> bool:
    """Say whether a character is one that people insert between the characters of a word.

    So is what can be no text at all: noncharacters, and all beyond the planes of characters.
    """
    return character in separators() or _is_no_text(ord(character))


def _is_no_text(code: int) -> bool:
    return code >= _BEYOND or code & 0xFFFE == 0xFFFE or _NONE[0] <= code <= _NONE[1]  # noqa: PLR2004 - the last two of a plane


@cache
def syllables() -> dict[str, tuple[str, ...]]:
    """Return the readings of each simplified Chinese character, the most common first."""
    table: dict[str, tuple[str, ...]] = {}
    for rank, lines in enumerate(_sections("syllables.txt").values()):
        for line in lines:
            syllable, characters = line.split(" ")
            if rank:
                table.update((character, (*table[character], syllable)) for character in characters)
            else:
                table.update(dict.fromkeys(characters, (syllable,)))
    return table


@cache
def legal_syllables() -> frozenset[str]:
    """Return every syllable of standard Chinese, without tone, u-umlaut as v."""
    return frozenset(line.partition(" ")[0] for lines in _sections("syllables.txt").values() for line in lines)


@cache
def splits(*, down: bool = False, common: bool = False) -> dict[str, tuple[str, ...]]:
    """Return each character's spellings as two or three parts: 法 as 氵去, 这 as 辶文.

    Args:
        down: Also those whose parts stand one above the other (李 as 木子), which nobody reads as fluently in a row.
        common: Also those that ordinary text contains at least twice in 1,000,000 characters, or a dictionary word.
    """
    kinds: Iterable[str] = ("across", "around", "down") if down else ("across", "around")
    sections = _sections("splits.txt")
    table: dict[str, tuple[str, ...]] = {}
    for kind in kinds:
        for section in (kind, f"common {kind}") if common else (kind,):
            for line in sections[section]:
                character, *forms = line.split(" ")
                table[character] = (*table.get(character, ()), *forms)
    return table
