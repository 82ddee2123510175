"""What the library's audit and the commands cost beside the bare checker, and beside an `in` loop as peers have it.

``python tests/bench/content_library.py [--words 10000,100000] [--texts 20000]``

Neutral made-up words over made-up text; CPU time, each beside its floor in the same run. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from hegui.general.content import audit, load_library, load_policy, texts
from hegui.general.content.checks import Checker
from hegui.general.content.hits import Counting
from hegui.general.content.policy import Side
from hegui.general.content.replay import Replay
from hegui.law import risks

HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
WEIGHTS = [1 / (place + 3) for place in range(len(HAN))]
HEGUI = Path(sys.executable).parent / "hegui"


def spent(run: Callable[[], object]) -> float:
    begun = time.process_time()
    run()
    return time.process_time() - begun


def write_words(path: Path, count: int, chance: random.Random) -> None:
    """Write a library of made-up words of four to six rare characters, and some that are parts of others."""
    ids, words = risks().ids, set[str]()
    while len(words) < count:
        word = "".join(chance.choices(HAN[500:], k=chance.choice((4, 4, 5, 6))))
        words.update((word, word[:3]) if chance.random() < 0.02 else (word,))
    rows = "".join(f"{word},{ids[place % len(ids)]}\n" for place, word in enumerate(sorted(words)[:count]))
    path.write_text("word,risk\n" + rows, "utf-8")


def write_texts(path: Path, count: int, chance: random.Random) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines("".join(chance.choices(HAN, WEIGHTS, k=100)) + "\n" for _ in range(count))


def command(arguments: Iterable[str | Path], stdin: Path) -> tuple[float, int]:
    """Run a command; return its CPU seconds and the greatest memory of any command so far, in MB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with stdin.open("rb") as file:
        subprocess.run([HEGUI, "content", *map(str, arguments)], stdin=file, stdout=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, after.ru_maxrss // 1024


def audits(folder: Path, sizes: list[int], chance: random.Random) -> None:
    print("| words | load, s (floor) | audit of the words, s | × load |\n|---|---|---|---|")
    for size in sizes:
        path = folder / f"{size}.csv"
        write_words(path, size, chance)
        loading = spent(lambda path=path: load_library(path))  # type: ignore[misc]
        checker = Checker(load_library(path), load_policy(None))

        def whole(checker: Checker = checker) -> None:
            words = audit.entries(checker.library)
            audit.duplicates(words)
            audit.several_risks(words)
            audit.short(words)
            list(audit.containing(checker, words.values(), audit.rules_of(words)))

        spent(lambda checker=checker: checker.check("热身", Side.INPUT))  # type: ignore[misc]
        took = spent(whole)
        print(f"| {size:,} | {loading:.2f} | {took:.2f} | {took / loading:.1f} |")


def lines(folder: Path, size: int, count: int, chance: random.Random) -> None:
    words, corpus = folder / f"{size}.csv", folder / "texts.txt"
    write_texts(corpus, count, chance)
    checker = Checker(load_library(words), load_policy(None))
    inputs = [text.text for text in texts.texts_of([corpus])]
    plain = [word.text for word in checker.library.words]
    entries = audit.entries(checker.library)

    def bare() -> None:
        for text in inputs:
            checker.check(text, Side.INPUT)

    def counting() -> None:
        found = Counting(checker, audit.rules_of(entries))
        for text in texts.texts_of([corpus]):
            found.add(text)

    def loop() -> None:
        for text in inputs[:50]:
            [word for word in plain if word in text]

    bare()
    floor = spent(bare) / count * 1e6
    rows = [
        ("bare checker", floor),
        ("counting hits on benign texts", spent(counting) / count * 1e6),
        (
            "replay of two policies",
            spent(lambda: Replay(checker, checker, 10).run(texts.texts_of([corpus]), Side.INPUT)) / count * 1e6,
        ),
    ]
    big = folder / "big.txt"
    with big.open("wb") as file:
        for _ in range(10):
            file.write(corpus.read_bytes())
    given = ("check", "--lines", "--json", "--library", words)
    few, memory = command(given, corpus)
    many, more = command(given, big)
    rows += [
        ("`content check --lines --json`, start left out", (many - few) / (9 * count) * 1e6),
        ("`in` loop of a peer, words alone", spent(loop) / 50 * 1e6),
    ]
    print(f"\n| texts of 100 characters, {size:,} words | CPU µs a text | × bare checker |\n|---|---|---|")
    for name, cost in rows:
        print(f"| {name} | {cost:.1f} | {cost / floor:.2f} |")
    print(f"\nMemory of `check --lines`: {memory} MB over {count:,} texts, {more} MB over {10 * count:,}.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", default="10000,100000")
    parser.add_argument("--texts", type=int, default=20_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        numbers = [int(part) for part in options.words.split(",")]
        audits(Path(made), numbers, random.Random(1))
        lines(Path(made), numbers[0], options.texts, random.Random(2))
