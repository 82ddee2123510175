"""What can be asked of the policy in shadow: how often it agrees with the live one, where it does not, and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape

from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hegui.general.content.policy import ACTION_NAMES, Action, Side
from hegui.kit import clock
from hegui.kit.text import Bi
from hegui.service.gateway import refusals
from hegui.service.gateway.models import Exchange

PAGE = 50
_RANK = {action.value: rank for rank, action in enumerate(Action)}
_NONE = Bi("未检查", "not checked")
_NAMES = {**ACTION_NAMES, refusals.UNDETERMINED: Bi("未能判定", "undetermined")}
SIDES: dict[str, Bi] = {Side.INPUT.value: Bi("输入", "input"), Side.OUTPUT.value: Bi("输出", "output")}


@dataclass(frozen=True)
class Pair:
    """On one side, what was done and what the policy in shadow would have done, and how often."""

    side: str
    live: str
    would: str
    count: int

    @property
    def style(self) -> str:
        """Return `pass` where both agree, `stop` where the shadow is severer, else `unknown`."""
        one, other = _RANK.get(self.live, -1), _RANK.get(self.would, -1)
        if self.live == self.would:
            return "pass"
        return "stop" if other > one and self.live != refusals.UNDETERMINED else "unknown"

    @property
    def name(self) -> Bi:
        """Return the pair in words."""
        side, live, would = SIDES[self.side], action_name(self.live), action_name(self.would)
        return Bi(f"{side.zh}：{live.zh} → {would.zh}", f"{side.en}: {live.en} → {would.en}")


def action_name(value: str | None) -> Bi:
    """Return an action in words, or that a check could not run; where a side was never reached there is none."""
    return _NAMES.get(value or "", _NONE)


@dataclass(frozen=True)
class Compared:
    """The comparison of one shadow policy with what was live, over some days."""

    policy: str
    total: int
    same: int
    pairs: tuple[Pair, ...]

    @property
    def differing(self) -> int:
        """Return how many exchanges would have been decided otherwise."""
        return self.total - self.same


def policies(session: Session, days: int) -> list[str]:
    """Return the digests of policies that were in shadow in the last days, the latest first."""
    since = clock.now() - timedelta(days=days)
    policy = Exchange.shadow["policy"].astext
    statement = select(policy).where(Exchange.shadow.is_not(None), Exchange.at >= since)
    return [row for row in session.scalars(statement.group_by(policy).order_by(func.max(Exchange.at).desc())) if row]


def compared(session: Session, policy: str, days: int) -> Compared:
    """Return counts of agreement by side and pair of actions."""
    since = clock.now() - timedelta(days=days)
    where = (Exchange.shadow.is_not(None), Exchange.shadow["policy"].astext == policy, Exchange.at >= since)
    same = Exchange.shadow["same"].as_boolean()
    total, agreed = session.execute(select(func.count(), func.count().filter(same)).where(*where)).one()
    pairs: list[Pair] = []
    for side in SIDES:
        live, would = Exchange.shadow["live"][side].astext, Exchange.shadow["would"][side].astext
        rows = session.execute(select(live, would, func.count()).where(*where).group_by(live, would)).all()
        pairs += [Pair(side, one or "", other or "", count) for one, other, count in rows if one or other]
    return Compared(policy, total, agreed, tuple(sorted(pairs, key=lambda pair: (pair.side, -pair.count))))


def differing(session: Session, policy: str, days: int) -> Sequence[Exchange]:
    """Return the latest exchanges that the policy in shadow would have decided otherwise."""
    since = clock.now() - timedelta(days=days)
    statement = select(Exchange).where(
        Exchange.shadow.is_not(None), Exchange.shadow["policy"].astext == policy, Exchange.at >= since,
        Exchange.shadow["same"].as_boolean().is_(False),
    )  # fmt: skip
    return session.scalars(statement.order_by(Exchange.id.desc()).limit(PAGE)).all()


# --- the picture ---------------------------------------------------------------------------------------

_WIDTH, _ROW, _BAR, _LEFT, _RIGHT = 960, 26, 16, 330, 80
_TITLE = Bi("影子策略与生效策略的动作对比", "Actions of the policy in shadow beside the live one")


def picture(found: Compared, lang: str) -> Markup:
    """Return a bar for each pair of actions, as an SVG that fits its box; the table beside it says the same."""
    most = max((pair.count for pair in found.pairs), default=1)
    height = max(_ROW * len(found.pairs), _ROW)
    title = _TITLE.pick(lang)
    told = Bi(
        f"共 {found.total} 次交互，{found.same} 次一致，{found.differing} 次不同。",
        f"{found.total} exchanges, {found.same} alike, {found.differing} different.",
    )
    parts = [
        f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">',
        f"<title>{escape(title)}</title><desc>{escape(told.pick(lang))}</desc>",
    ]
    for place, pair in enumerate(found.pairs):
        y = place * _ROW + (_ROW - _BAR) / 2
        width = max(pair.count / most * (_WIDTH - _LEFT - _RIGHT), 1.5)
        parts += [
            f'<text class="axis" x="{_LEFT - 8}" y="{y + _BAR - 4:.0f}" text-anchor="end">{escape(pair.name.pick(lang))}</text>',
            f'<rect class="{pair.style}" x="{_LEFT}" y="{y:.0f}" width="{width:.1f}" height="{_BAR}"/>',
            f'<text class="axis" x="{_LEFT + width + 6:.0f}" y="{y + _BAR - 4:.0f}">{pair.count}</text>',
        ]
    return Markup("".join((*parts, "</svg>")))  # noqa: S704 - escaped where drawn
