"""The report beside a model, for people: Chinese first, English beside it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hegui.general.content.classify.obscure import WAYS
from hegui.general.content.classify.training import BENIGN, Outcome
from hegui.general.content.policy import UNMAPPED
from hegui.kit.text import Bi
from hegui.law import risks


def percent(share: dict[str, Any]) -> str:
    """Return a share with its interval, or a dash when nothing was looked at."""
    if not share["of"]:
        return "–"
    return f"{share['share']:.2%} ({share['low']:.2%}–{share['high']:.2%}; {share['hits']}/{share['of']})"


def few_benign(report: dict[str, Any]) -> Bi:
    """Return the warning that a threshold rests on too few benign texts."""
    count, target = report["threshold"]["benign"], report["target_fpr"]
    return Bi(
        f"阈值只凭 {count} 条良性文本而定，达不到 {target:.2%} 的把握；请补充良性文本",
        f"the threshold rests on {count} benign texts, too few to be sure of {target:.2%}; add benign texts",
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    cells = ([cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows)
    return [*lines, *("| " + " | ".join(row) + " |" for row in cells), ""]


def _name(risk: str) -> str:
    if risk == "any":
        return "任一风险 any risk"
    return risk if risk == UNMAPPED else f"{risk} {risks().name(risk).zh}"


def markdown(outcome: Outcome) -> str:
    """Return the report as a page of Markdown."""
    report = outcome.report
    lines = [
        f"# 分类模型报告 / Classifier report `{outcome.version}`",
        "",
        "分数只用于分流（triage），默认不单独拦截；处置由策略决定。区间为 95 %（Wilson）。",
        "",
        "Scores are triage: by default they never block alone; policy decides. Intervals are 95 % (Wilson).",
        "",
        *_about(report),
        *_tested(report),
        *_sources(report),
        *_opposing(report),
        *_curve(report),
        *_hidden(report),
    ]
    return "\n".join(lines)


def _about(report: dict[str, Any]) -> list[str]:
    groups, conflicts = report["groups"], report["conflicts"]
    lines = [
        "## 数据 / Data",
        "",
        f"- 文本 texts: {report['texts']}；合并的相同文本 equal texts joined: {report['copies_joined']}",
        f"- 近似重复组 near-duplicate groups: {groups['groups']}，最大 largest {groups['largest']}（同组不跨划分 a group is never split）",
        f"- 种子 seed {report['seed']}，目标误报率 target false-positive rate {report['target_fpr']:.2%}",
    ]
    if conflicts["count"]:
        shown = "; ".join(conflicts["rows"])
        lines.append(f"- **标注矛盾，未使用 contradicting labels, not used: {conflicts['count']}** — {shown}")
    if report["left_out"]:
        shown = ", ".join(f"{risk} ({count})" for risk, count in report["left_out"].items())
        lines.append(f"- **太少而未学 too few to learn: {shown}**")
    if not report["threshold"]["enough"]:
        lines.append(f"- **{few_benign(report).both}**")
    named = [name for name in report["split"]["learn"] if name != BENIGN]
    parts = (("learn", "学习 learnt"), ("tune", "校准与阈值 tuned on"), ("test", "测试 tested on"))
    rows = [[label, *(str(report["split"][part][name]) for name in (BENIGN, *named))] for part, label in parts]
    return [*lines, "", *_table(["", "良性 benign", *named], rows)]


def _tested(report: dict[str, Any]) -> list[str]:
    rows = [
        [
            _name(risk), _number(found["auc"]), percent(found["recall"]), percent(found["false_positives"]),
            f"{found['threshold']:.4f}" if "threshold" in found else "", _number(found.get("calibration_error")) if "threshold" in found else "",
        ]
        for risk, found in report["test"].items()
    ]  # fmt: skip
    head = [
        "风险 risk",
        "AUC",
        "召回 recall",
        "良性误报 false positives",
        "阈值 threshold",
        "校准误差 calibration error",
    ]
    return [
        "## 同分布测试 / Test texts of the same sources",
        "",
        "同来源的数字总是偏好看；请看下一节。 / Figures on the same sources flatter; look at the next section.",
        "",
        *_table(head, rows),
    ]


_HELD = {
    "all": "整个来源 the whole source",
    "benign": "只留出良性 benign texts only",
    "nothing": "只有一个来源，无从留出 the only source: nothing to hold out",
}


def _sources(report: dict[str, Any]) -> list[str]:
    if "sources" not in report:
        return []
    rows = []
    for row in report["sources"]:
        unseen = row["unseen"]
        rows.append([
            row["source"], str(row["benign"]), percent(row["seen"]["false_positives"]), _number(row["seen"]["auc"]), _HELD[row["held_out"]],
            percent(unseen["false_positives"]) if unseen else "–",
            percent(unseen["recall"]) if unseen else "–",
            _number(unseen["auc"]) if unseen else "–",
        ])  # fmt: skip
    head = [
        "来源 source", "良性 benign", "见过：误报 seen: false positives", "见过：AUC seen", "留出 held out",
        "未见：误报 unseen: false positives", "未见：召回 unseen: recall", "未见：AUC unseen",
    ]  # fmt: skip
    return [
        "## 逐一留出来源 / Each source held out",
        "",
        "没见过该来源的模型对它的误报，才是换一处使用时该预期的。 / What a model that never saw the source does on it is what to expect elsewhere.",
        "",
        *_table(head, rows),
    ]


def _opposing(report: dict[str, Any]) -> list[str]:
    found = report["opposing"]
    learnt = "学过 learnt" if found["learnt_half_in_training"] else "未学 not learnt"
    return [
        "## 反对歧视的文本 / Texts that oppose discrimination",
        "",
        f"- 误报，留作检验的一半 false positives, the half kept for measuring: {percent(found['measured_half'])}",
        f"- 误报，另一半（{learnt}） the other half: {percent(found['learnt_half'])}",
        "",
    ]


def _curve(report: dict[str, Any]) -> list[str]:
    if "learning_curve" not in report:
        return []
    rows = [[str(row["labels"]), _number(row["macro_f1"]), _number(row["auc"])] for row in report["learning_curve"]]
    return [
        "## 学习曲线 / Learning curve",
        "",
        *_table(["每类标注数 labels a class", "macro-F1", "AUC（任一风险 any risk）"], rows),
    ]


def _hidden(report: dict[str, Any]) -> list[str]:
    if "hidden" not in report:
        return []
    rows = []
    for row in report["hidden"]:
        cells = [WAYS[row["way"]][0].both]
        for key in ("normalised", "as_written"):
            found = row.get(key)
            cells += [percent(found["recall"]), percent(found["false_positives"])] if found else ["–", "–"]
        rows.append(cells)
    head = [
        "写法 way", "归一后：召回 normalised: recall", "误报 false positives", "不归一：召回 not normalised: recall", "误报 false positives",
    ]  # fmt: skip
    return [
        "## 遮掩写法 / Hidden words",
        "",
        "同一测试集的改写；“不归一”是同法在原样文本上训练的模型。 / Copies of the test texts; “not normalised” is the same learner on texts as written.",
        "",
        *_table(head, rows),
    ]
