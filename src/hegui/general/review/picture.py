"""Server-drawn SVG: agreement by month as bars, Cohen's kappa as dots, grey where the pairs are too few to say."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hegui.general.review.queries import Agreed
from hegui.general.review.rules import FEW
from hegui.kit.text import Bi

_WIDTH, _HEIGHT, _LEFT, _FOOT = 960, 170, 44, 40
_TITLE = Bi("每月复审一致率与 Kappa", "Agreement and kappa by month")


def _across(place: int, count: int) -> tuple[float, float]:
    step = (_WIDTH - _LEFT) / max(1, count)
    return _LEFT + place * step, step


def _up(share: float) -> float:
    """Return how far down a share of one stands; under nothing there is nothing."""
    return 10 + (_HEIGHT - 10) * (1 - max(0.0, share))


def _month(place: int, count: int, item: Agreed) -> str:
    left, step = _across(place, count)
    found, middle = item.agreement, left + step / 2
    parts = [f"<g><title>{escape(_said(item).both)}</title>"]
    if found.percent is not None:
        top, style = _up(found.percent / 100), "few" if found.few else "pass"
        parts.append(f'<rect class="{style}" x="{left + step * 0.2:.1f}" y="{top:.1f}" width="{step * 0.6:.1f}" height="{max(_HEIGHT - top, 1.5):.1f}"/>')  # fmt: skip
    if found.kappa is not None:
        parts.append(f'<circle class="{"few-dot" if found.few else "kappa"}" cx="{middle:.1f}" cy="{_up(found.kappa):.1f}" r="5"/>')  # fmt: skip
    parts.append(f'<text class="axis" x="{middle:.1f}" y="{_HEIGHT + 16}" text-anchor="middle">{item.name}</text>')
    parts.append(
        f'<text class="axis" x="{middle:.1f}" y="{_HEIGHT + 32}" text-anchor="middle">n={found.pairs}</text></g>'
    )
    return "".join(parts)


def _said(item: Agreed) -> Bi:
    found = item.agreement
    if found.percent is None:
        return Bi(f"{item.name}：没有成对的决定", f"{item.name}: no pairs")
    kappa = "—" if found.kappa is None else f"{found.kappa:.2f}"
    few = Bi(f"，少于 {FEW} 对，不足以下结论", f", fewer than {FEW}, too few to say") if found.few else Bi("", "")
    return Bi(
        f"{item.name}：{found.pairs} 对，一致 {found.percent:.0f}%，Kappa {kappa}{few.zh}",
        f"{item.name}: {found.pairs} pairs, {found.percent:.0f}% agree, kappa {kappa}{few.en}",
    )


def draw(months: Sequence[Agreed], lang: str) -> str:
    """Return the picture as an SVG element that fits its box, with a description for those who can not see it."""
    title = escape(_TITLE.pick(lang))
    described = escape(" ".join(_said(item).pick(lang) + "." for item in months))
    lines = [
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{_up(share):.0f}" y2="{_up(share):.0f}"/>'
        f'<text class="axis" x="{_LEFT - 6}" y="{_up(share) + 4:.0f}" text-anchor="end">{share:.0%}</text>'
        for share in (0.0, 0.5, 1.0)
    ]
    return "".join(
        (
            f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT + _FOOT}" role="img" aria-label="{title}">',
            f"<title>{title}</title><desc>{described}</desc>",
            *lines,
            *(_month(place, len(months), item) for place, item in enumerate(months)),
            "</svg>",
        )
    )
