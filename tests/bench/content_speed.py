"""What checking a text costs, one thread, beside LiteLLM's content filter, an ``in`` loop and the bare matchers, in one run.

``python tests/bench/content_speed.py [--litellm PYTHON] [--data ../shared/data] [--rounds 7] [--quick] [--without-kernel]``

PYTHON is the interpreter of an environment that holds litellm (``targets.LITELLM``) and fastapi: its own filter is run
there (`_filter_single_text`), on the same texts and words; without it the documented loop, one `re.search` for a
keyword, stands in for it. The `in` loop is what OpenGuardrails and LLM Guard do. Words are made up of common
characters and most do not occur; texts are benign ones of the public sets, or of made-up words where those are not
there. CPU time, the best of the rounds; ratios say more than microseconds on a machine that others use too.

On long text there are two libraries: words as above, of which the text says some, and a find has to be read in its
neighbourhood, which no bare matcher does; and as many made-up words that the text does not say anywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from time import process_time

from ahocorasick_rs import AhoCorasick, Implementation
from classify_sets import DATA
from daachorse import CharwiseDoubleArrayAhoCorasick
from targets import LITELLM, SEED

from hegui.general.content import folding, kernel, skeleton
from hegui.general.content.checks import Checker
from hegui.general.content.classify.labels import Record, merged
from hegui.general.content.classify.model import Model
from hegui.general.content.classify.training import Options, train
from hegui.general.content.library import Library, compile_library
from hegui.general.content.policy import Side, load_policy, parse_policy
from hegui.law import risks

SIZES = (10_000, 100_000)
AIMS = {"exact lane alone": (40, None), "exact + hidden + pinyin": (150, 450), "whole check of a prompt": (None, 350)}
SHARE = 0.6
INSIDE = """
import json, sys, time
from litellm.proxy.guardrails.guardrail_hooks.litellm_content_filter.content_filter import ContentFilterGuardrail
from litellm.types.guardrails import BlockedWord, ContentFilterAction
words, texts = json.load(open(sys.argv[1], encoding="utf-8"))
filter = ContentFilterGuardrail(guardrail_name="bench", blocked_words=[
    BlockedWord(keyword=word, action=ContentFilterAction.MASK) for word in words])
filter._filter_single_text(texts[0])
began = time.process_time()
for text in texts:
    filter._filter_single_text(text)
print(time.process_time() - began)
"""


def made_up(count: int) -> list[str]:
    """Return words of two to six common characters, as a real list has them: most of three and four."""
    common = [bytes((row, cell)).decode("gb2312") for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFA)]
    draw, words = random.Random(SEED), dict[str, None]()
    weights = [1 / (place + 200) for place in range(len(common))]
    draw.shuffle(common)
    while len(words) < count:
        words["".join(draw.choices(common, weights, k=draw.choice((2, 3, 3, 4, 4, 4, 5, 6))))] = None
    return list(words)


def benign(data: Path) -> str:
    """Return much benign text in one."""
    path = data / "alpaca-zh" / "alpaca_zh_demo.json"
    if not path.is_file():
        return "，".join(made_up(60_000)[:50_000:2])
    rows = json.loads(path.read_text("utf-8"))
    return "\n".join(row["instruction"] + row["input"] + "\n" + row["output"] for row in rows)


def best(act: Callable[[str], object], texts: list[str], rounds: int) -> float:
    """Return the CPU seconds of one call for each text, the best of some rounds."""
    found = float("inf")
    for _ in range(rounds):
        began = process_time()
        for text in texts:
            act(text)
        found = min(found, process_time() - began)
    return found


def unsaid(count: int, text: str) -> list[str]:
    """Return as many words of the same kind that a text holds nowhere, not even with gaps."""
    words = made_up(count + count // 10)
    said = CharwiseDoubleArrayAhoCorasick(words).find_overlapping(skeleton.skeleton(text).text)
    held = {words[number] for _, _, number in said}
    return [word for word in words if word not in held][:count]


@cache
def library(words: tuple[str, ...]) -> Library:
    """Return a library of words, compiled once."""
    ids = [item for item in risks().ids if item[:3] in {"A.1", "A.2"}]
    return compile_library(((at, word, ids[at % len(ids)]) for at, word in enumerate(words, 2)), "bench")


def checker(words: int | list[str], lanes: list[str], model: Model | None = None) -> Checker:
    """Return a checker of the default policy with these lanes, of so many made-up words or of these."""
    chosen = {"lanes": {"default": lanes}}
    policy = parse_policy({"input": chosen, "output": chosen}, load_policy(None))
    return Checker(library(tuple(made_up(words) if isinstance(words, int) else words)), policy, model)


def small_model() -> Model:
    """Return a linear model of one risk; what it learnt does not matter for its time."""
    draw, words = random.Random(SEED), made_up(3_000)
    records = [
        Record("".join(draw.choices(words, k=8)) + "合规样例词" * (at % 2), frozenset({"A.2.a"} if at % 2 else ()), "s")
        for at in range(400)
    ]
    labels = merged([(str(number), record) for number, record in enumerate(records)], ())
    return Model.unpack(train(labels, Options(trials=False)).model)


def in_loop(words: list[str], text: str) -> list[str]:
    """Return the words in a text as those peers find them."""
    return [word for word in words if word in text]


def new_to(find: Callable[[str], object], text: str) -> object:
    """Return what a matcher finds in a text that it has to encode first, as it has to once for every text."""
    return find(text + "。")


def words_of(used: Checker) -> Callable[[str], object]:
    """Return what looks for words, in all lanes, and for nothing else."""

    def run(text: str) -> object:
        bones = skeleton.skeleton(text)
        return used.words(text, Side.INPUT, bones=bones), used.weak(text, Side.INPUT, bones=bones)

    return run


def litellm(python: Path | None, words: list[str], texts: list[str]) -> tuple[str, float]:
    """Return the CPU seconds of LiteLLM's filter over some texts, and what was run."""
    if python is None:
        compiled = [re.escape(word) for word in words]

        def loop(text: str) -> None:
            for pattern in compiled:
                re.search(pattern, text)

        return "`re.search` per keyword, as LiteLLM", best(loop, texts, 1)
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "given.json"
        given.write_text(json.dumps([words, texts]), "utf-8")
        command = [str(python), "-c", INSIDE, str(given)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return f"LiteLLM {LITELLM} content filter", float(done.stdout.split()[-1])


def by_thousand(text: str, options: argparse.Namespace) -> None:
    """Print the costs for 1,000 characters."""
    pieces = [text[at : at + 1_000] for at in range(0, 1_000 * (50 if options.quick else 200), 1_000)]
    pieces = [piece for piece in pieces if len(piece) == 1_000]
    folded = [skeleton.skeleton(piece).text for piece in pieces]
    rows: dict[str, list[float]] = {}

    def add(name: str, seconds: float, count: int) -> None:
        rows.setdefault(name, []).append(seconds / count * 1e6)

    for size in SIZES:
        words = made_up(size)
        exact, three = checker(size, ["exact"]), checker(size, ["exact", "hidden", "pinyin"])
        shipped = checker(size, ["exact", "hidden", "split", "pinyin"])
        peer = AhoCorasick(words, implementation=Implementation.ContiguousNFA)
        bare = CharwiseDoubleArrayAhoCorasick(words).find_overlapping
        add("bare daachorse, folded text", best(bare, folded, options.rounds), len(pieces))
        add(
            "bare daachorse, a text that is new to it",
            best(partial(new_to, bare), folded, options.rounds),
            len(pieces),
        )
        add(
            "bare ahocorasick_rs",
            best(partial(peer.find_matches_as_indexes, overlapping=True), folded, options.rounds),
            len(pieces),
        )
        add("exact lane alone", best(words_of(exact), pieces, options.rounds), len(pieces))
        add("exact + hidden + pinyin", best(words_of(three), pieces, options.rounds), len(pieces))
        add("all lanes of the shipped policy", best(words_of(shipped), pieces, options.rounds), len(pieces))
        few = pieces[: 10 if size == SIZES[0] else 2]
        add("`in` loop, as OpenGuardrails and LLM Guard", best(partial(in_loop, words), few, 1), len(few))
        if size == SIZES[0] or not options.quick:
            name, seconds = litellm(options.litellm, words, few[:2])
            add(name, seconds, 2)
    print("| µs for 1,000 characters | 10,000 words | × exact lane | 100,000 words | × exact lane | aim |")
    print("| --- | --- | --- | --- | --- | --- |")
    floor = rows["exact lane alone"]
    for name, costs in rows.items():
        cells = [f"{cost:,.0f} | {cost / floor[at]:,.1f}" for at, cost in enumerate(costs)] + ["– | –"] * (
            2 - len(costs)
        )
        aims = [f"≤ {aim}" for aim in AIMS.get(name, ()) if aim]
        print(f"| {name} | {' | '.join(cells)} | {', '.join(aims) or '–'} |")


def prompts(text: str, options: argparse.Namespace) -> None:
    """Print the cost of the whole check of a prompt, and of its parts."""
    pieces = [text[at : at + 500] for at in range(0, 500 * (60 if options.quick else 200), 500)]
    model = small_model()
    used = checker(SIZES[1], ["exact", "hidden", "split", "pinyin", "model"], model)

    def personal(piece: str) -> object:
        return used.personal(folding.fold(piece), Side.INPUT)

    whole = best(lambda piece: used.check(piece, Side.INPUT), pieces, options.rounds) / len(pieces) * 1e6
    parts = {"words, all lanes": words_of(used), "folding and personal information": personal, "linear model": model.scores}  # fmt: skip
    print("\n| 500 characters, 100,000 words | µs | aim |\n| --- | --- | --- |")
    print(f"| whole check of a prompt | {whole:,.0f} | ≤ {AIMS['whole check of a prompt'][1]} |")
    for name, act in parts.items():
        print(f"| of this {name} | {best(act, pieces, options.rounds) / len(pieces) * 1e6:,.0f} | – |")


def long_text(text: str, options: argparse.Namespace) -> None:
    """Print the speed on long text beside the bare matcher's."""
    pieces = [(text * 3)[:400_000]]
    size = len(pieces[0].encode())
    print(
        "\n| MB/s on a text of 400,000 characters | bare matcher | exact lane | share | exact + hidden + pinyin | share | aim |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for count in SIZES:
        for kind, words in {"words": made_up(count), "words that it does not say": unsaid(count, pieces[0])}.items():
            exact, three = checker(words, ["exact"]), checker(words, ["exact", "hidden", "pinyin"])
            bare = CharwiseDoubleArrayAhoCorasick(words).find_overlapping
            speeds = [
                size / best(act, pieces, options.rounds) / 1e6 for act in (bare, words_of(exact), words_of(three))
            ]
            shares = [f"{speed:.1f} | {speed / speeds[0]:.0%}" for speed in speeds[1:]]
            print(f"| {len(words):,} {kind} | {speeds[0]:.0f} | {' | '.join(shares)} | ≥ {SHARE:.0%} |")


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litellm", type=Path, help="Python of an environment with litellm and fastapi")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--without-kernel", action="store_true", help="measure the plain Python form")
    options = parser.parse_args()
    if options.without_kernel and not os.environ.get(kernel.WITHOUT):
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | {kernel.WITHOUT: "1"})
    folding.warm()
    skeleton.warm()
    text = benign(options.data)
    han = len(re.findall("[\u4e00-\u9fff]", text)) / len(text)
    print(f"{len(text):,} characters, {han:.0%} of them Chinese; {kernel.in_use().en}.\n")
    by_thousand(text, options)
    prompts(text, options)
    long_text(text, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
