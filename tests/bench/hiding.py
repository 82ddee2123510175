"""How many hidden words are found, by kind of hiding, and what looking for them costs.

``python tests/bench/hiding.py [--texts 400]``

Made-up words are planted in benign texts of ``../shared/data`` (skipped where it is not there), hidden in
each way, and looked for with and without the lane for hidden words. Then the false hits that the lane adds
on benign texts, for a library of 10,000 words drawn from the two- and three-character pieces of those texts
that stand across a mark (the worst case for a lane that skips marks), and CPU per 1,000 characters.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

from hegui.general.content import folding, skeleton, tables
from hegui.general.content.checks import Checker
from hegui.general.content.library import Library, compile_library
from hegui.general.content.policy import Side, load_policy, parse_policy

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SYMBOLS = "*#@^|+=•★☆♥😀🔥✨※→"
MARKS = "，。、；：！？ .,-/~·_"
INVISIBLE = "\u200b\u200c\u200d\ufeff\u2060\u00ad\u180e\ufe0f"


def benign() -> list[str]:
    """Return benign texts: instructions and answers of alpaca-zh, questions of safetyqa."""
    texts = []
    for item in json.loads((DATA / "alpaca-zh" / "alpaca_zh_demo.json").read_text("utf-8")):
        texts += [item["instruction"] + item.get("input", ""), item["output"]]
    return [text for text in texts if len(text) > 20]


def kinds(rng: random.Random) -> dict[str, Callable[[str], str]]:
    """Return the ways of hiding a word."""
    traditional: dict[str, list[str]] = {}
    for old, new in tables.simplified().items():
        traditional.setdefault(new, []).append(old)
    alike: dict[str, list[str]] = {}
    for odd, base in tables.lookalikes().items():
        alike.setdefault(base, []).append(odd)

    def between(marks: str, least: int = 1) -> Callable[[str], str]:
        return lambda word: "".join(
            ch + ("".join(rng.choices(marks, k=rng.randint(least, 2))) if at + 1 < len(word) else "")
            for at, ch in enumerate(word)
        )

    def one_gap(word: str) -> str:
        at = rng.randrange(1, len(word))
        return word[:at] + rng.choice(SYMBOLS) + word[at:]

    def swap(table: dict[str, list[str]]) -> Callable[[str], str]:
        return lambda word: "".join(rng.choice(table[ch]) if ch in table else ch for ch in word)

    def repeated(word: str) -> str:
        return "".join(ch * rng.randint(1, 3) for ch in word)

    def mixed(word: str) -> str:
        return between(SYMBOLS + INVISIBLE)(swap(traditional)(word))

    return {
        "as it is": str,
        "zero-width characters between": between(INVISIBLE),
        "symbols or emoji between all": between(SYMBOLS),
        "one symbol inside": one_gap,
        "marks and spaces between all": between(MARKS),
        "traditional characters": swap(traditional),
        "look-alikes": swap(alike),
        "repeated characters": repeated,
        "mixed": mixed,
    }


def made_up(rng: random.Random, texts: list[str], count: int) -> list[str]:
    """Return made-up words of 2 to 4 common characters, and some of Latin letters, that no text contains."""
    everything = "".join(texts)
    common = [ch for ch in dict.fromkeys(everything) if "\u4e00" <= ch <= "\u9fff" and everything.count(ch) > 20]
    words: set[str] = set()
    while len(words) < count:
        word = "".join(rng.choices(common, k=rng.choice((2, 3, 3, 4))))
        if len(words) % 10 == 9:
            word = "".join(rng.choices("abdeghkmnoprstuvwxyz", k=7))
        if word not in everything and len(set(word)) == len(word):
            words.add(word)
    return sorted(words)


def across(texts: list[str], count: int) -> list[str]:
    """Return the commonest two- and three-character pieces that stand across one mark, the mark left out."""
    seen: dict[str, int] = {}
    for text in texts:
        for match in re.finditer(r"(?=([\u4e00-\u9fff]{1,2})[，。、；：！？ ]([\u4e00-\u9fff]{1,2}))", text):
            for piece in (match[1][-1] + match[2][0], match[1] + match[2][0]):
                seen[piece] = seen.get(piece, 0) + 1
    return sorted(seen, key=lambda piece: -seen[piece])[:count]


def checkers(library: Library) -> tuple[Checker, Checker]:
    """Return the checker with both lanes, and with the exact lane alone."""
    base = load_policy(None)
    only = parse_policy({"input": {"lanes": {f"A.{area}": ["exact"] for area in range(1, 6)}}}, base)
    return Checker(library, base), Checker(library, only)


def compiled(words: list[str]) -> Library:
    """Return a library of words."""
    return compile_library(((at, word, "A.1.a") for at, word in enumerate(words, 2)), "bench")


def recall(rows: Iterator[tuple[str, str]], used: Checker) -> float:
    """Return the share of `(text, word)` in which a hit stands."""
    found = [any(v.lane != "personal" for v in used.check(text, Side.INPUT).verdicts) for text, _ in rows]
    return sum(found) / len(found)


def cost(used: Checker, texts: list[str]) -> float:
    """Return CPU µs per 1,000 characters of a check, the best of five."""
    best = float("inf")
    for _ in range(5):
        began = process_time()
        for text in texts:
            used.words(text, Side.INPUT)[0]
        best = min(best, process_time() - began)
    return best / sum(map(len, texts)) * 1e9


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=int, default=400)
    options = parser.parse_args()
    if not DATA.is_dir():
        print(f"skipped: {DATA} is not there")
        return 0
    rng = random.Random(7)
    texts = benign()
    words = made_up(rng, texts, options.texts)
    both, exact = checkers(compiled(words))
    folding.warm()
    skeleton.warm()
    print("| hidden by | found, both lanes | found, exact lane |\n| --- | --- | --- |")
    for name, hide in kinds(rng).items():
        rows = []
        for word in words:
            text = rng.choice(texts)
            at = rng.randrange(len(text))
            hidden = f" {hide(word)} " if word.isascii() else hide(word)
            rows.append((text[:at] + hidden + text[at:], word))
        print(f"| {name} | {recall(iter(rows), both):.3f} | {recall(iter(rows), exact):.3f} |")
    both, exact = checkers(compiled(across(texts, 10_000)))
    more = [text for text in texts if both.words(text, Side.INPUT)[0] and not exact.words(text, Side.INPUT)[0]]
    print(f"\nBenign texts: {len(texts)}; hit by the hidden lane alone, words drawn from across marks: {len(more)} "
          f"({len(more) / len(texts):.2%}).")  # fmt: skip
    for text in more[:5]:
        hit = both.words(text, Side.INPUT)[0][0]
        print(f"  - {text[max(0, hit.start - 4) : hit.end + 4]!r}")
    both, _ = checkers(compiled(made_up(rng, texts, 10_000)))
    thousand = ["".join(texts)[at : at + 1000] for at in range(0, 200_000, 1000)]
    bare = both.library.bones.matcher
    folded = [skeleton.bones_of(text) for text in thousand]

    def matching() -> float:
        began = process_time()
        for text in folded:
            bare.find(text)
        return (process_time() - began) / len(folded) * 1e6

    print(f"\n10,000 words, CPU µs per 1,000 characters: words in both lanes {cost(both, thousand):.0f}, "
          f"bare matcher on text already folded {min(matching() for _ in range(5)):.0f}.")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
