"""How many hidden words are found, by kind of hiding, with and without normalising, and the false hits of each lane.

``python tests/bench/hiding.py [--texts 400] [--data ../shared/data] [--shown 2]``

Made-up words are planted in benign texts of ``../shared/data`` (skipped where it is not there), hidden in each way,
and looked for with every lane that the shipped policy uses (also those that only flag) and homophones besides, with the exact lane alone, and by
a bare matcher on the text as it stands. `--shown` prints some of what was missed. Then the benign texts that each lane
hits beyond the exact one, for a library of words that those texts do not say plainly: made-up ones, dictionary words,
and pieces that stand across a mark (the worst case for a lane that skips marks).
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from benign import sources

from hegui.general.content import tables
from hegui.general.content.checks import Checker
from hegui.general.content.lexicon import load_lexicon
from hegui.general.content.library import Library, compile_library
from hegui.general.content.matcher import build
from hegui.general.content.policy import Lane, Side, load_policy, parse_policy

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SYMBOLS = "*#@^|+=•★☆♥😀🔥✨※→"
MARKS = "，。、；：！？ .,-/~·_"
PAUSES = "，。、；：！？"
INVISIBLE = "\u200b\u200c\u200d\ufeff\u2060\u00ad\u180e\ufe0f"


def benign(data: Path = DATA) -> list[str]:
    """Return benign texts: instructions and answers of alpaca-zh."""
    texts = []
    for item in json.loads((data / "alpaca-zh" / "alpaca_zh_demo.json").read_text("utf-8")):
        texts += [item["instruction"] + item.get("input", ""), item["output"]]
    return [text for text in texts if len(text) > 20 and len(re.findall("[\u4e00-\u9fff]{2}", text)) > 2]


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

    def swap(table: dict[str, list[str]]) -> Callable[[str], str]:
        return lambda word: "".join(rng.choice(table[ch]) if ch in table else ch for ch in word)

    def repeated(word: str) -> str:
        return "".join(ch * rng.randint(1, 3) for ch in word)

    def mixed(word: str) -> str:
        return between(SYMBOLS + INVISIBLE)(swap(traditional)(word))

    def wide(word: str) -> str:
        return "".join(chr(ord(ch) + 0xFEE0) if "!" <= ch <= "~" else ch for ch in word)

    def in_parts(word: str) -> str:
        return "".join(rng.choice(parts[ch]) if ch in parts else ch for ch in word)

    parts = tables.splits()

    return {
        "as it is": str,
        "full width": wide,
        "zero-width characters between": between(INVISIBLE),
        "symbols or emoji between all": between(SYMBOLS),
        "one symbol inside": one_inside(rng, SYMBOLS),
        "marks and spaces between all": between(MARKS),
        "one clause mark inside": one_inside(rng, PAUSES),
        "traditional characters": swap(traditional),
        "look-alikes": swap(alike),
        "split characters": in_parts,
        "repeated characters": repeated,
        "pinyin, 30 % of the characters": by_sound(rng, pinyin, 0.3),
        "pinyin, all characters": by_sound(rng, pinyin, 1.0),
        "homophones, 30 % of the characters": by_sound(rng, homophone(rng), 0.3),
        "mixed": mixed,
    }


def one_inside(rng: random.Random, marks: str) -> Callable[[str], str]:
    """Return what puts one mark between two characters of a word."""

    def hide(word: str) -> str:
        at = rng.randrange(1, len(word))
        return word[:at] + rng.choice(marks) + word[at:]

    return hide


def pinyin(character: str) -> str:
    """Return a character's most common reading."""
    return tables.syllables()[character][0]


def homophone(rng: random.Random) -> Callable[[str], str]:
    """Return what gives another common character of the same most common reading, or the character where there is none."""
    by: dict[str, list[str]] = {}
    for one, readings in tables.syllables().items():
        if "\u4e00" <= one <= "\u9fff" and len(one.encode("gb2312", "ignore")) == 2:
            by.setdefault(readings[0], []).append(one)
    return lambda ch: rng.choice([one for one in by[pinyin(ch)] if one != ch] or [ch])


def by_sound(rng: random.Random, change: Callable[[str], str], share: float) -> Callable[[str], str]:
    """Return what writes a share of a word's Chinese characters, at least one, by their sound."""

    def hide(word: str) -> str:
        places = [at for at, ch in enumerate(word) if ch in tables.syllables()]
        chosen = set(rng.sample(places, max(1, round(share * len(places))))) if places else set()
        return "".join(change(ch) if at in chosen else ch for at, ch in enumerate(word))

    return hide


def all_pinyin(text: str, rng: random.Random) -> str:
    """Return a text with 30 % of all its Chinese characters in pinyin."""
    return "".join(pinyin(ch) if ch in tables.syllables() and rng.random() < 0.3 else ch for ch in text)


def made_up(rng: random.Random, texts: list[str], count: int) -> list[str]:
    """Return made-up words of 2 to 4 common characters, and some of Latin letters, that no text contains."""
    everything = "".join(texts)
    common = [ch for ch in dict.fromkeys(everything) if "\u4e00" <= ch <= "\u9fff" and everything.count(ch) > 20]
    words: set[str] = set()
    common = [ch for ch in common if ch in tables.syllables()]
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


SAMPLED = 60_000
"""Dictionary words, for pinyin, from which the mean of all draws is worked out."""
SHIPPED = ("exact", "hidden", "split", "pinyin")
EVERY = (*SHIPPED, "homophone", "initials")


def checker(library: Library, lanes: Iterable[str]) -> Checker:
    """Return a checker of the shipped policy with these lanes."""
    return Checker(library, parse_policy({"input": {"lanes": {"default": list(lanes)}}}, load_policy(None)))


def compiled(words: Iterable[str]) -> Library:
    """Return a library of words."""
    return compile_library(((at, word, "A.1.a") for at, word in enumerate(words, 2)), "bench")


def found_in(used: Checker, text: str) -> bool:
    """Say whether a word was found in a text."""
    return any(item.lane != Lane.PERSONAL for item in used.check(text, Side.INPUT).verdicts)


def planted(rng: random.Random, text: str, hidden: str, word: str) -> str:
    """Return a text with a word put in, not inside a word or a number of Latin letters, where nobody would read it."""
    places = [
        at for at in range(1, len(text)) if not any(ch.isascii() and ch.isalnum() for ch in text[at - 1 : at + 1])
    ]
    at = rng.choice(places or [0])
    return text[:at] + (f" {hidden} " if word.isascii() else hidden) + text[at:]


def recall(texts: list[str], words: list[str], rng: random.Random, shown: int) -> None:
    """Print the table of recall."""
    library = compiled(words)
    every, exact = checker(library, [*EVERY, "part"]), checker(library, ["exact"])
    bare = build(words)
    print(
        "| hidden by | words | found | of two characters | of three and more | exact lane alone | bare matcher | aim |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    missed: list[str] = []
    ways = kinds(rng)
    ways["pinyin, 30 % of the whole text"] = str
    for name, hide in ways.items():
        rows = []
        for word in words:
            hidden = hide(word)
            if hidden == word and name not in {"as it is", "pinyin, 30 % of the whole text"}:
                continue  # nothing of this word can be hidden so
            text = planted(rng, rng.choice(texts)[:300], hidden, word)
            rows.append((all_pinyin(text, rng) if name.endswith("whole text") else text, hidden, len(word)))
        shares = [sum(found_in(used, text) for text, *_ in rows) / len(rows) for used in (every, exact)]
        for at, some in enumerate(
            ([text for text, _, size in rows if (size > 2) == many] for many in (False, True)), 1
        ):
            shares.insert(at, sum(found_in(every, text) for text in some) / max(1, len(some)))
        shares.append(sum(bool(bare.find(text)) for text, *_ in rows) / len(rows))
        aim = "–" if "homophone" in name else "0.9" if "pinyin" in name else "0.99"
        print(f"| {name} | {len(rows)} | {' | '.join(f'{share:.3f}' for share in shares)} | {aim} |")
        missed += [f"{name}: {hidden!r} in {text[max(0, text.find(hidden) - 6) : text.find(hidden) + len(hidden) + 6]!r}"
                   for text, hidden, _ in rows if not found_in(every, text)][:shown]  # fmt: skip
    print("\n" + "\n".join(f"- missed, {line}" for line in missed))


def of_their_own(texts: list[str], words: list[str], rng: random.Random) -> None:
    """Print the recall of words that hold a doubled character or a mark of their own."""
    han = [word for word in words if not word.isascii()]
    sets = {
        "a doubled character": [(word[0], word) for word in han if len(word) > 2],
        "a mark": [(rng.choice("ABX") + rng.choice(("-", "+", "++", ".")), word) for word in han],
    }
    ways = kinds(rng)
    names = (
        "symbols or emoji between all",
        "traditional characters",
        "look-alikes",
        "split characters",
        "repeated characters",
    )
    print("\n| words with | words | " + " | ".join(("as it is", *names)) + " |\n|" + " --- |" * (len(names) + 3))
    for name, some in sets.items():
        used = checker(compiled(map("".join, some)), EVERY)
        shares = []
        for way in ("as it is", *names):
            rows = [
                (first + hidden, word)
                for first, word in some
                if (hidden := ways[way](word)) != word or way == "as it is"
            ]
            found = sum(
                found_in(used, planted(rng, rng.choice(texts)[:300], f" {hidden}", word)) for hidden, word in rows
            )
            shares.append(f"{found / max(1, len(rows)):.3f} of {len(rows)}")
        print(f"| {name} | {len(some)} | {' | '.join(shares)} |")


def plain_words(texts: Iterable[str], count: int, rng: random.Random) -> list[str]:
    """Return dictionary words that the texts do not hold as they stand."""
    everything = "\n".join(texts)
    known = sorted(word for word, _ in load_lexicon().items() if 2 <= len(word) <= 4 and not word.isascii())
    rng.shuffle(known)
    return [word for word in known[: 6 * count] if word not in everything][:count]


def expected(data: Path, rng: random.Random) -> None:
    """Print the share of texts that hiding in marks, repetitions and pinyin hits by mistake, as the mean of all draws.

    Every dictionary word is looked for that a text does not hold as it stands, and 10,000 of them are drawn.
    """
    known = sorted(word for word, _ in load_lexicon().items() if 2 <= len(word) <= 4 and not word.isascii())
    policy = {"input": {"lanes": {"default": ["exact", "hidden", "split", "part", "torn"]}}}
    spelt = {"input": {"lanes": {"default": ["exact", "pinyin", "part", "torn"]}}}
    drawn = rng.sample(known, SAMPLED)
    used = [
        (Checker(compiled(words), parse_policy(data, load_policy(None))), len(words))
        for words, data in ((known, policy), (drawn, spelt))
    ]
    print("\n| source | texts | hidden and split | pinyin |\n| --- | --- | --- | --- |")
    for name, texts in sources(data).items():
        shares = [sum(_mistaken(*one, len(known), text) for text in texts) / len(texts) for one in used]
        print(f"| {name} | {len(texts):,} | " + " | ".join(f"{share:.3%}" for share in shares) + " |")


def _mistaken(used: Checker, size: int, known: int, text: str) -> float:
    hits = [(item.rule, item.lane) for item in used.check(text, Side.INPUT).verdicts]
    plain = {rule for rule, lane in hits if lane in {Lane.EXACT, Lane.PART, Lane.TORN}}
    words = {rule for rule, lane in hits if lane in {Lane.HIDDEN, Lane.SPLIT, Lane.PINYIN}} - plain
    return 1 - (1 - 10_000 / known) ** (len(words) * known / size)


def false_hits(data: Path, rng: random.Random) -> None:
    """Print which benign texts each lane hits beyond the exact one."""
    questions = [
        json.loads(line) for line in (data / "safetyqa" / "chinese_safetyqa.jsonl").read_text("utf-8").splitlines()
    ]
    sources = {"alpaca-zh": benign(data), "safetyqa": [item["question"] for item in questions]}
    english = [text for text in sources["alpaca-zh"] if len(re.findall("[A-Za-z]{2,}", text)) > 5]
    sources["English and Chinese mixed"] = english
    everything = [text for texts in sources.values() for text in texts]
    libraries = {
        "10,000 made-up words": made_up(rng, everything, 10_000),
        "10,000 dictionary words": plain_words(everything, 10_000, rng),
        "10,000 pieces across marks": across(everything, 10_000),
    }
    print("\n| benign texts hit beyond the exact lane by | library | " + " | ".join(
        f"{name} ({len(texts):,})" for name, texts in sources.items()) + " |\n|" + " --- |" * (2 + len(sources)))  # fmt: skip
    for name, words in libraries.items():
        library = compiled(words)
        exact = checker(library, ["exact"])
        clean = {source: [text for text in texts if not found_in(exact, text)] for source, texts in sources.items()}
        for lane in EVERY[1:]:
            used = checker(library, ["exact", lane])
            hits = {source: [text for text in texts if found_in(used, text)] for source, texts in clean.items()}
            shares = " | ".join(f"{len(hits[source]) / len(texts):.2%}" for source, texts in sources.items())
            print(f"| {lane} | {name} | {shares} |")
            for text in [text for texts in hits.values() for text in texts][:1]:
                hit = used.check(text, Side.INPUT).verdicts[0]
                print(f"    e.g. {text[max(0, hit.start - 4) : hit.end + 4]!r}", file=sys.stderr)


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--texts", type=int, default=400)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--shown", type=int, default=0)
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"skipped: {options.data} is not there")
        return 0
    rng = random.Random(7)
    texts = benign(options.data)
    words = made_up(rng, texts, options.texts)
    recall(texts, words, rng, options.shown)
    of_their_own(texts, words, random.Random(8))
    false_hits(options.data, rng)
    expected(options.data, rng)
    return 0


if __name__ == "__main__":
    sys.exit(main())
