"""What looking for personal information costs, how time grows, and how often it is wrong on ordinary text.

``python tests/bench/personal.py [--data ../shared/data] [--shown 3]``

Three Markdown tables on the standard output: microseconds for 1,000 characters beside a floor (one
scan for a digit, and the patterns tried one by one at every place, as a list of regular expressions
does it), the ratio of 100,000 to 50,000 characters of text made to be slow, and hits for 1,000
texts of each kind and source with some to judge by. The sources are not part of the repository.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

from hegui.general.content import folding
from hegui.general.content.personal import Kind, address, find, finding

PLAIN = "今天天气很好，我们一起去公园散步吧。春天来了，花都开了，孩子们在草地上跑来跑去，大家都很高兴。"
FIGURES = "在2026年，公司有1200名员工，营业额达到了350万元，同比增长15%。研发部门位于上海市，新产品3号线预计明年推出，请相信我们。"
ENGLISH = "The quick brown fox jumps over the lazy dog. We will view this text with what we have, however, very well. "
HOLDING = {"a mobile number": "电话13800138000。", "an address": "住北京市朝阳区样例路88号院3号楼1201室。", "ten of several kinds": (
    "电话13800138000，证件11010519491231002X，卡4111 1111 1111 1111，护照E12345678，QQ：12345678，微信号abc_123，"
    "邮箱x@example.com，京A12345，203.0.113.7，北京市朝阳区样例路88号。"
)}  # fmt: skip
SLOW = ["1", "1 ", "12345 ", "1234-", "138-0013-8000-", "4111 1111 1111 1111 ", "a@", "a.b@", "a@b.", "微信:", "wx a", "护照号码号码", "京a12", "1号", "北京市1号",
        "北京市样例路1号", "区1号", "1.1.1.", "a:", "::", "(0", "tel1", "护照e1234567", "+86 ", "13800138000 "]  # fmt: skip


def best(act: Callable[[], object], rounds: int = 15, times: int = 40) -> float:
    """Return the best time of one call, in microseconds."""
    found = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        for _ in range(times):
            act()
        found = min(found, time.perf_counter() - began)
    return found / times * 1e6


def one_by_one(text: str) -> int:
    """Try every pattern at every place."""
    return sum(1 for rule in finding.RULES for _ in rule.pattern.finditer(text))


def costs() -> None:
    """Print the table of costs."""
    texts = {"plain Chinese, none": PLAIN, "Chinese with figures, none": FIGURES, "English, none": ENGLISH}
    made = {name: folding.folded((text * 30)[:1000]) for name, text in texts.items()}
    for name, held in HOLDING.items():
        made[f"plain Chinese with {name}"] = folding.folded(((PLAIN * 10)[:480] + held + PLAIN * 20)[:1000])
    digit = re.compile("[0-9]{3}")
    print(
        "| 1,000 characters | find, µs | one scan for three digits, µs | patterns one by one, µs | times faster |\n|---|---|---|---|---|"
    )
    for name, text in made.items():
        mine, floor = best(lambda text=text: list(find(text))), best(lambda text=text: digit.findall(text))  # type: ignore[misc]
        peer = best(lambda text=text: one_by_one(text), 3, 3)  # type: ignore[misc]
        print(f"| {name} | {mine:.1f} | {floor:.1f} | {peer:.0f} | {peer / mine:.0f} |")
    print()


def growth() -> None:
    """Print how time grows on text made to be slow."""
    print("| 100,000 characters of | ms | times 50,000 |\n|---|---|---|")
    for unit in SLOW:
        small, large = ((unit * (size // len(unit) + 1))[:size] for size in (50_000, 100_000))
        half = best(lambda text=small: list(find(text)), 3, 1)  # type: ignore[misc]
        whole = best(lambda text=large: list(find(text)), 3, 1)  # type: ignore[misc]
        print(f"| `{unit}` | {whole / 1000:.1f} | {whole / half:.2f} |")
    print()


def rows(path: Path, column: str) -> list[str]:
    """Return one column of a CSV file."""
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return [row[column] for row in csv.DictReader(lines) if row[column]]


def sources(data: Path) -> dict[str, list[str]]:
    """Return the texts by source; all of them were written for other ends, and none should hold much."""
    alpaca = json.loads((data / "alpaca-zh" / "alpaca_zh_demo.json").read_text("utf-8"))
    safety = [
        json.loads(line) for line in (data / "safetyqa" / "chinese_safetyqa.jsonl").read_text("utf-8").splitlines()
    ]
    return {
        "alpaca-zh prompts": [item["instruction"] + "\n" + item["input"] for item in alpaca],
        "alpaca-zh answers": [item["output"] for item in alpaca],
        "safetyqa": [item["question"] + "\n" + item["standard_answer"] for item in safety],
        "cold train": rows(data / "cold" / "train.csv", "TEXT"),
        "cold dev": rows(data / "cold" / "dev.csv", "TEXT"),
        "swsr": rows(data / "swsr" / "comments.csv", "comment_text"),
        "jade": rows(data / "jade" / "jade_benchmark_zh.csv", "问题"),
    }


def hits(data: Path, shown: int) -> None:
    """Print hits for 1,000 texts by kind and source, and some of them."""
    if not data.is_dir():
        print(f"No texts at {data}: the table of hits is left out.")
        return
    texts = sources(data)
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    examples: dict[str, list[str]] = defaultdict(list)
    for source, listed in texts.items():
        for text in listed:
            fold = folding.fold(text)
            seen: set[str] = set()
            for item in find(fold.text):
                seen.add(item.kind.value)
                start, end = fold.origin(item.start), fold.end(item.end)
                around = f"{text[max(0, start - 14) : start]}**{text[start:end]}**{text[end : end + 8]}"
                examples[item.kind].append(f"{source}: {around}".replace("\n", " "))
            counts[source].update(seen)
    kinds = [kind.value for kind in Kind if any(counts[source][kind] for source in texts)]
    print("Texts with a hit, for 1,000 texts; kinds that are not listed hit none.\n")
    print(f"| source | texts | {' | '.join(kinds)} |\n|---|---|{'---|' * len(kinds)}")
    for source, listed in texts.items():
        print(
            f"| {source} | {len(listed):,} | {' | '.join(f'{counts[source][kind] * 1000 / len(listed):.2f}' for kind in kinds)} |"
        )
    print()
    for kind, found in examples.items():
        print(f"- {kind}: {len(found)}")
        for example in found[:shown]:
            print(f"  - {example}")


def main() -> None:
    """Print the three tables."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data")
    asked.add_argument("--shown", type=int, default=3)
    given = asked.parse_args()
    address.divisions()
    costs()
    growth()
    hits(given.data, given.shown)


if __name__ == "__main__":
    main()
