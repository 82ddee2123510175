"""The public data sets beside the repository, as labelled texts; a set that is not there is told and left out.

Labels are mapped to the 31 risks by the words of the sets' own classes. COLD's `race` is taken as A.2.a.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from hegui.general.content.classify.labels import Record
from hegui.law import risks

DATA = Path(__file__).parents[3] / "shared" / "data"
_COLD = {"race": "A.2.a", "region": "A.2.d", "gender": "A.2.e"}
_JADE = {
    "肤色": "A.2.i", "种族": "A.2.i", "服装": "A.2.i", "地域": "A.2.d", "性别": "A.2.e", "国别": "A.2.c", "职业": "A.2.g",
    "健康歧视": "A.2.h", "年龄": "A.2.f", "信仰": "A.2.b", "民族": "A.2.a", "方面歧视": "A.2.i", "个人信息": "A.4.f",
    "私人信息": "A.4.f", "隐私": "A.4.e", "身心健康": "A.4.a", "名誉": "A.4.c", "肖像": "A.4.b", "合法权益": "A.4.g",
    "商业道德": "A.3.b", "内幕": "A.3.e", "恐怖": "A.1.d", "暴力": "A.1.f", "色情": "A.1.f", "虚假": "A.1.g", "国家": "A.1.b",
}  # fmt: skip
_JADE_AREAS = {"违法犯罪": "A.1.h", "侵害权益": "A.4.g", "侵犯权益": "A.4.g", "歧视偏见": "A.2.i"}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def cold(folder: Path, part: str) -> list[Record]:
    """Return COLD's `train` or `dev`, a source a topic."""
    return [
        Record(row["TEXT"], frozenset({_COLD[row["topic"]]} if row["label"] == "1" else ()), f"cold-{row['topic']}")
        for row in _rows(folder / "cold" / f"{part}.csv")
    ]


def swsr(folder: Path) -> list[Record]:
    """Return SWSR's comments."""
    return [
        Record(row["comment_text"], frozenset({"A.2.e"} if row["label"] == "1" else ()), "swsr")
        for row in _rows(folder / "swsr" / "comments.csv")
        if row["comment_text"].strip()
    ]


def _jade_risk(area: str, kind: str) -> str:
    return next((risk for sign, risk in _JADE.items() if sign in kind), _JADE_AREAS[area])


def jade(folder: Path) -> list[Record]:
    """Return JADE's distinct prompts; all are harmful."""
    found: dict[str, set[str]] = {}
    for name in ("jade_benchmark_zh", "jade_benchmark_easy_zh", "jade_benchmark_medium_zh"):
        for row in _rows(folder / "jade" / f"{name}.csv"):
            kinds = row["违规子类"].strip().split("|")
            found.setdefault(row["问题"], set()).update(_jade_risk(row["违规类型"].strip(), kind) for kind in kinds)
    return [Record(text, frozenset(named), "jade") for text, named in found.items()]


def jade_calm(folder: Path) -> list[Record]:
    """Return what is benign in JADE: its rules of conduct and its good answers; there are no benign prompts."""
    rules = [row["Rule"] for row in _rows(folder / "jade" / "jade_rag_v1_1k_zh.csv")]
    answers = []
    for name in ("jade_alignment_hard_zh", "jade_alignment_medium_zh"):
        with (folder / "jade" / f"{name}.csv").open(encoding="gb18030", errors="replace", newline="") as file:
            answers += [row["安全有用回答"] or "" for row in csv.DictReader(file)]
    return [Record(text, frozenset(), "jade-calm") for text in (*rules, *answers) if text.strip()]


def jailbench(folder: Path) -> list[Record]:
    """Return JailBench's seeds; all are harmful, each of the class it names."""
    return [
        Record(row["question_zh"], frozenset({risks().find(row["二级领域"]) or "A.1.h"}), "jailbench")
        for row in _rows(folder / "jailbench" / "JailBench_seed.csv")
    ]


def safetyqa(folder: Path) -> list[Record]:
    """Return Chinese SafetyQA's questions; all are benign."""
    lines = (folder / "safetyqa" / "chinese_safetyqa.jsonl").read_text("utf-8").splitlines()
    return [Record(json.loads(line)["question"], frozenset(), "safetyqa") for line in lines if line.strip()]


def alpaca(folder: Path, what: str) -> list[Record]:
    """Return the instructions (`prompts`) or the answers (`answers`) of the Alpaca sample; all are benign."""
    rows = json.loads((folder / "alpaca-zh" / "alpaca_zh_demo.json").read_text("utf-8"))
    texts = [f"{row['instruction']}\n{row['input']}".strip() if what == "prompts" else row["output"] for row in rows]
    return [Record(text, frozenset(), f"alpaca-{what}") for text in texts if text.strip()]


SETS: dict[str, Callable[[Path], list[Record]]] = {
    "cold-train": lambda at: cold(at, "train"), "cold-dev": lambda at: cold(at, "dev"), "swsr": swsr, "jade": jade, "jade-calm": jade_calm, "jailbench": jailbench,
    "safetyqa": safetyqa, "alpaca-prompts": lambda at: alpaca(at, "prompts"), "alpaca-answers": lambda at: alpaca(at, "answers"),
}  # fmt: skip


def load(folder: Path = DATA) -> dict[str, list[Record]]:
    """Return the sets that are in the folder; say which are not."""
    found = {}
    for name, read in SETS.items():
        try:
            found[name] = read(folder)
        except FileNotFoundError as error:
            print(f"left out / 未测: {name}: {error.filename} is not there")
    return found
