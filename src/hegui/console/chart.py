"""Server-drawn SVG: volume with verdicts as stacked bars, latency as two lines below."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from hegui.kit import clock
from hegui.kit.text import Bi
from hegui.service.gateway.oversight.queries import Bin

_WIDTH, _BARS, _LINES, _LEFT, _GAP = 960, 150, 80, 44, 26
_NONE = Bi("没有交互。", "No exchanges.")
_TITLE = Bi("过去 24 小时的交互量、拦截与时延", "Exchanges, stops and latency in the last 24 hours")


def _nice(value: int) -> int:
    """Return a round number at or above a value, for the axis."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if step * factor >= value:
                return step * factor
        step *= 10


def _bars(bins: Sequence[Bin], most: int) -> list[str]:
    width = (_WIDTH - _LEFT) / max(1, len(bins))
    parts = []
    for place, item in enumerate(bins):
        x, bottom = _LEFT + place * width + 1, float(_BARS)
        passed = item.total - item.blocked - item.undetermined
        label = f"{item.start.astimezone(clock.CHINA):%H:%M}: {item.total} / {item.blocked} / {item.undetermined}"
        parts.append(f"<g><title>{escape(label)}</title>")
        for count, style in ((passed, "pass"), (item.blocked, "stop"), (item.undetermined, "unknown")):
            height = count / most * (_BARS - 10)
            if count:
                bottom -= max(height, 1.5)
                parts.append(
                    f'<rect class="{style}" x="{x:.1f}" y="{bottom:.1f}" width="{max(width - 2, 1):.1f}" height="{max(height, 1.5):.1f}"/>'
                )
        parts.append("</g>")
    return parts


def _line(bins: Sequence[Bin], values: Sequence[int], most: int, style: str) -> str:
    width = (_WIDTH - _LEFT) / max(1, len(bins))
    top = _BARS + _GAP
    runs: list[list[str]] = [[]]
    for place, value in enumerate(values):
        if bins[place].total == 0:
            runs.append([])
            continue
        y = top + _LINES - value / most * (_LINES - 6)
        runs[-1].append(f"{_LEFT + (place + 0.5) * width:.1f},{y:.1f}")
    drawn = []
    for run in runs:
        if len(run) == 1:
            across, _, down = run[0].partition(",")
            drawn.append(f'<circle class="{style}" cx="{across}" cy="{down}" r="2.5"/>')
        elif run:
            drawn.append(f'<polyline class="{style}" points="{" ".join(run)}"/>')
    return "".join(drawn)


def _description(bins: Sequence[Bin]) -> Bi:
    """Return the chart in one sentence, for those who can not see it."""
    total = sum(item.total for item in bins)
    if total == 0:
        return _NONE
    blocked, unknown = sum(item.blocked for item in bins), sum(item.undetermined for item in bins)
    slowest = max(item.latency_p95 for item in bins)
    return Bi(
        f"共 {total} 次交互，拦截 {blocked} 次，未能检查 {unknown} 次；时延 95 分位最高 {slowest} 毫秒。",
        f"{total} exchanges, {blocked} stopped, {unknown} undetermined; highest 95th percentile of latency {slowest} ms.",
    )


def draw(bins: Sequence[Bin], lang: str) -> str:
    """Return the chart as an SVG element that fits its box; without bins, only its axes."""
    most = _nice(max((item.total for item in bins), default=1) or 1)
    slowest = _nice(max((item.latency_p95 for item in bins), default=1) or 1)
    height = _BARS + _GAP + _LINES + 22
    title = _TITLE.pick(lang)
    hours = [
        f'<text class="axis" x="{_LEFT + place * (_WIDTH - _LEFT) / len(bins):.0f}" y="{height - 4}">{bins[place].start.astimezone(clock.CHINA):%H:%M}</text>'
        for place in range(0, len(bins), max(1, len(bins) // 8))
    ]
    return "".join(
        (
            f'<svg class="chart" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
            f"<desc>{escape(_description(bins).pick(lang))}</desc>",
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{_BARS}" y2="{_BARS}"/>',
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="10" y2="10"/>',
            f'<text class="axis" x="{_LEFT - 6}" y="14" text-anchor="end">{most}</text>',
            f'<text class="axis" x="{_LEFT - 6}" y="{_BARS}" text-anchor="end">0</text>',
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH}" y1="{_BARS + _GAP + _LINES}" y2="{_BARS + _GAP + _LINES}"/>',
            f'<text class="axis" x="{_LEFT - 6}" y="{_BARS + _GAP + 10}" text-anchor="end">{slowest}</text>',
            f'<text class="axis" x="{_LEFT - 6}" y="{_BARS + _GAP + _LINES}" text-anchor="end">ms</text>',
            *_bars(bins, most),
            _line(bins, [item.latency_p95 for item in bins], slowest, "p95"),
            _line(bins, [item.latency_p50 for item in bins], slowest, "p50"),
            *hours,
            "</svg>",
        )
    )
