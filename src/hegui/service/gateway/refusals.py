"""What a refused person is told: a plain reason, how to appeal, the content number; never the word."""

from __future__ import annotations

from collections.abc import Iterable

from hegui.general.content.policy import BLOCKING, Action, severest
from hegui.general.content.verdicts import Verdict
from hegui.kit.text import Bi

REFUSED_INPUT = "refused_input"
REFUSED_OUTPUT = "refused_output"
ENDED_INPUT = "ended_input"
ENDED_OUTPUT = "ended_output"
UNDETERMINED = "undetermined"

REASONS: dict[str, Bi] = {
    REFUSED_INPUT: Bi(
        "您的输入涉及本服务不能处理的内容，因此没有作答。",
        "Your message touches content that this service can not handle, so it was not answered.",
    ),
    REFUSED_OUTPUT: Bi(
        "回答涉及本服务不能提供的内容，已停止生成。",
        "The answer touched content that this service can not provide, so it was stopped.",
    ),
    ENDED_INPUT: Bi(
        "您的输入涉及本服务不能处理的内容，本次对话到此结束，请开始新的对话。",
        "Your message touches content that this service can not handle; this conversation ends here, please begin a new one.",
    ),
    ENDED_OUTPUT: Bi(
        "回答涉及本服务不能提供的内容，到此结束，请开始新的对话。",
        "The answer touched content that this service can not provide; it ends here, please begin a new conversation.",
    ),
    UNDETERMINED: Bi(
        "内容检查未能完成，因此暂不提供回答，请稍后再试。",
        "The content check could not be completed, so no answer is given; please try again later.",
    ),
}


def of_input(verdicts: Iterable[Verdict]) -> str:
    """Return the outcome of a request with these blocking verdicts: it ends the conversation unless one refuses."""
    return ENDED_INPUT if _ends(verdicts) else REFUSED_INPUT


def of_output(verdicts: Iterable[Verdict]) -> str:
    """Return the outcome of an answer that was stopped for these verdicts."""
    return ENDED_OUTPUT if _ends(verdicts) else REFUSED_OUTPUT


def _ends(verdicts: Iterable[Verdict]) -> bool:
    return severest([item.action for item in verdicts if item.action in BLOCKING]) is Action.END


def refusal(outcome: str, content_id: str, appeal_url: str) -> str:
    """Return the text that stands in place of an answer, Chinese first."""
    reason = REASONS[outcome]
    where = Bi(appeal_url or "服务提供者的投诉申诉入口", appeal_url or "the provider's complaint and appeal channel")
    return (
        f"{reason.zh}如认为有误，请凭编号 {content_id} 申诉：{where.zh}\n\n"
        f"{reason.en} If you think this is wrong, appeal with the number {content_id}: {where.en}"
    )
