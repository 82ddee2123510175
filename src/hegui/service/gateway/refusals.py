"""What a refused person is told: a plain reason, how to appeal, the content number; never the word."""

from __future__ import annotations

from hegui.kit.text import Bi

REFUSED_INPUT = "refused_input"
REFUSED_OUTPUT = "refused_output"
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
    UNDETERMINED: Bi(
        "内容检查未能完成，因此暂不提供回答，请稍后再试。",
        "The content check could not be completed, so no answer is given; please try again later.",
    ),
}


def refusal(outcome: str, content_id: str, appeal_url: str) -> str:
    """Return the text that stands in place of an answer, Chinese first."""
    reason = REASONS[outcome]
    where = Bi(appeal_url or "服务提供者的投诉申诉入口", appeal_url or "the provider's complaint and appeal channel")
    return (
        f"{reason.zh}如认为有误，请凭编号 {content_id} 申诉：{where.zh}\n\n"
        f"{reason.en} If you think this is wrong, appeal with the number {content_id}: {where.en}"
    )
