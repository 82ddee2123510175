"""Write the pages of `docs/` that come from data: settings, the articles, the glossary. `--check` only compares."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import fields
from enum import Enum
from pathlib import Path

from hegui.general.content.folds import FOLD_NAMES
from hegui.general.content.personal import KIND_NAMES
from hegui.general.content.policy import ACTION_NAMES, LANE_NAMES, URGENCY_NAMES
from hegui.general.review.models import STAGE_NAMES, STATE_NAMES, VERDICT_NAMES
from hegui.general.rulebook.models import KINDS as CHANGES
from hegui.general.rulebook.models import POLICY_STATES, STATES
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.law import clocks, register
from hegui.law.models import KINDS, MARKS, NATURES, PHASES, WHO, Article, Words
from hegui.law.register import MEASURES
from hegui.people.facts import RESULT_NAMES
from hegui.people.permits import ROLE_NAMES
from hegui.service.gateway.oversight.queries import OUTCOMES
from hegui.service.releases.models import CONTENT_STATES, GRANT_STATES
from hegui.service.uploads.models import FORMS, JUDGEMENTS

DOCS = Path(__file__).parents[1] / "docs"


def settings() -> str:
    """Return the page of the settings."""
    lines = [
        "# 设置 / Settings",
        "",
        "来源，后者优先：默认值、`数据目录/hegui.toml`、环境变量 `HEGUI_大写名`、命令行。未知的键会被拒绝。",
        "",
        "Sources, later wins: defaults, `DIR/hegui.toml`, environment `HEGUI_UPPERCASE`, flags. Unknown keys are refused.",
        "",
        "| 键 key | 默认 default | 含义 | meaning |",
        "|---|---|---|---|",
    ]
    for item in fields(Settings):
        doc = item.metadata["doc"]
        lines.append(f"| `{item.name}` | `{item.default!s}` | {doc.zh} | {doc.en} |")
    return "\n".join(lines) + "\n"


def article(found: Article) -> str:
    """Return the page of one article of the Interim Measures."""
    lines = [
        f"# {MEASURES}-{found.number} {found.title.zh} / {found.title.en}",
        "",
        found.summary.zh,
        "",
        found.summary.en,
        "",
        f"房间 room: `{found.room}` · 转述，以[官方文本]({register().measures.url})为准 / paraphrased; the official text decides",
        "",
    ]
    for item in found.obligations:
        lines += [
            f"## {item.id}",
            "",
            item.duty.zh,
            "",
            item.duty.en,
            "",
            f"- 依据 mark: {_mark(item.mark, item.unconfirmed)}",
            f"- 约束 binds: {_names(WHO, item.who)} · {NATURES[item.nature].both}",
            f"- 阶段 phase: {_names(PHASES, item.phase)}",
            f"- 房间 room: `{item.room}`",
        ]
        if item.trigger:
            lines.append(f"- 何时 when: {item.trigger.zh} / {item.trigger.en}")
        if item.deadline:
            lines.append(f"- 时限 term: {clocks.term(item.deadline).both} · {_mark(item.deadline.mark)}")
        lines += [f"- 数字 number: `{n.name}` {n.sense} {n.value} {n.unit} · {_mark(n.mark)}" for n in item.numbers]
        if item.evidence:
            lines.append(f"- 证明 evidence: {item.evidence.zh} / {item.evidence.en}")
        if item.parents:
            lines.append(f"- 罚则依据 penalties under: {', '.join(item.parents)}")
        others = [_reference(other) for other in dict.fromkeys((*item.clocks, *item.see))]
        if others:
            lines.append(f"- 参见 see: {', '.join(others)}")
        lines.append("")
    return "\n".join(lines)


def _mark(mark: str, what: Words | None = None) -> str:
    return MARKS[mark].both + (f"：{what.zh} / {what.en}" if mark == "K" and what else "")


def _names(names: dict[str, Bi], values: tuple[str, ...]) -> str:
    return "、".join(names[value].both for value in values)


def _reference(citation: str) -> str:
    return citation if register().obligation(citation).confirmed else f"{citation} ({MARKS['K'].both})"


def glossary() -> str:
    """Return the page that pairs the words of the code with the Chinese ones."""
    groups: list[tuple[str, dict[str, object]]] = [
        ("结果 results", {str(_value(key)): name for key, name in RESULT_NAMES.items()}),
        ("角色 roles", {str(_value(key)): name for key, name in ROLE_NAMES.items()}),
        ("动作 actions", {str(_value(key)): name for key, name in ACTION_NAMES.items()}),
        ("通道 lanes", {str(_value(key)): name for key, name in LANE_NAMES.items()}),
        ("还原 folds", {str(_value(key)): name for key, name in FOLD_NAMES.items()}),
        ("紧急程度 urgency", {str(_value(key)): name for key, name in URGENCY_NAMES.items()}),
        ("策略各版的状态 states of a policy version", {str(_value(key)): name for key, name in POLICY_STATES.items()}),
        ("词与代答的状态 states of words and set answers", {str(_value(key)): name for key, name in STATES.items()}),
        ("词的改动 changes of words", {str(_value(key)): name for key, name in CHANGES.items()}),
        ("交互结局 outcomes", dict(OUTCOMES)),
        ("审核状态 states of the review", {str(_value(key)): name for key, name in STATE_NAMES.items()}),
        ("审核环节 stages of the review", {str(_value(key)): name for key, name in STAGE_NAMES.items()}),
        ("审核结论 verdicts of the review", {str(_value(key)): name for key, name in VERDICT_NAMES.items()}),
        (
            "无显式标识的许可 leave to be given content unlabelled",
            {str(_value(key)): name for key, name in GRANT_STATES.items()},
        ),
        (
            "无显式标识内容的结果 outcomes of unlabelled contents",
            {str(_value(key)): name for key, name in CONTENT_STATES.items()},
        ),
        ("上传的判断 judgements of uploads", {str(_value(key)): name for key, name in JUDGEMENTS.items()}),
        ("传播要素的写法 forms of propagation", {str(_value(key)): name for key, name in FORMS.items()}),
        ("依据 marks", dict(MARKS)),
        ("约束谁 who is bound", dict(WHO)),
        ("规定的性质 natures", dict(NATURES)),
        ("阶段 phases", dict(PHASES)),
        ("时限 terms", dict(clocks.WORDS)),
        ("文件种类 kinds of instruments", dict(KINDS)),
        ("个人信息 kinds of personal information", {str(_value(key)): name for key, name in KIND_NAMES.items()}),
    ]
    lines = [
        "# 术语表 / Glossary",
        "",
        "代码里的词与法律用语的对应。 / Words of the code beside the words of the law.",
        "",
    ]
    for title, names in groups:
        lines += [f"## {title}", "", "| code | 中文 | English |", "|---|---|---|"]
        lines += [f"| `{key}` | {name.zh} | {name.en} |" for key, name in names.items()]  # type: ignore[attr-defined]
        lines.append("")
    return "\n".join(lines)


def _value(key: object) -> object:
    return key.value if isinstance(key, Enum) else key


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every generated page."""
    yield DOCS / "settings.md", settings()
    yield DOCS / "glossary.md", glossary()
    for found in register().measures.articles:
        yield DOCS / "articles" / f"{MEASURES}-{int(found.number):02d}.md", article(found)


if __name__ == "__main__":
    stale = []
    for path, text in pages():
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path)
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    for path in stale:
        print(path.relative_to(DOCS.parent))
    sys.exit(bool(stale) and "--check" in sys.argv)
