"""A page in blocks, written as Markdown and as HTML: headings, lines, tables and pictures, each in Chinese and English."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hegui.kit.text import Bi

_STYLE = """
body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color: #1d2127; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; font-size: .92rem; } th, td { border: 1px solid #cfd4da; padding: .4rem .6rem; text-align: left; vertical-align: top; }
th { background: #f2f4f6; } td { overflow-wrap: anywhere; } img { max-width: 100%; height: auto; border: 1px solid #cfd4da; }
figure { margin: 1rem 0; } figcaption { font-size: .92rem; } .en { color: #56606b; } .note { border-left: 4px solid #b3261e; background: #fdf1f0; padding: .6rem 1rem; }
pre { background: #f2f4f6; padding: .6rem 1rem; white-space: pre-wrap; }
"""
NOTHING = Bi("", "")


@dataclass(frozen=True, slots=True)
class Block:
    """One block: `title`, `heading`, `text`, `note`, `code`, `picture` (rows hold its path) or `table` (the first row is its head)."""

    kind: str
    text: Bi = NOTHING
    rows: tuple[tuple[str, ...], ...] = ()


def table(head: Sequence[Bi], rows: Iterable[Sequence[str]]) -> Block:
    """Return a table."""
    return Block("table", rows=(tuple(item.both for item in head), *(tuple(row) for row in rows)))


def markdown(blocks: Sequence[Block]) -> str:
    """Return the page as Markdown."""
    lines: list[str] = []
    for block in blocks:
        if block.kind in {"title", "heading"}:
            lines.append(f"{'#' if block.kind == 'title' else '##'} {block.text.both}")
        elif block.kind == "code":
            lines.append(f"```\n{block.text.zh}\n```")
        elif block.kind == "picture":
            lines.append(f"![{block.text.both}]({block.rows[0][0]})\n\n{block.text.both}")
        elif block.kind == "table":
            rows = [" | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in row) for row in block.rows]
            lines.append(
                "\n".join(f"| {row} |" for row in (rows[0], " | ".join("---" for _ in block.rows[0]), *rows[1:]))
            )
        else:
            quote = "> " if block.kind == "note" else ""
            lines.append("\n\n".join(f"{quote}{text}" for text in dict.fromkeys(block.text)))
    return "\n\n".join(lines) + "\n"


def as_html(blocks: Sequence[Block], title: Bi) -> str:
    """Return the page as one HTML file; pictures stand beside it, nothing is fetched."""
    body = "\n".join(_block(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="zh-CN">\n<head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{html.escape(title.both)}</title><style>{_STYLE}</style></head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _block(block: Block) -> str:
    zh, en = (html.escape(text) for text in block.text)
    both = zh if zh == en else f'{zh} <span class="en" lang="en">{en}</span>'
    if block.kind in {"title", "heading"}:
        level = "h1" if block.kind == "title" else "h2"
        return f"<{level}>{both}</{level}>"
    if block.kind == "code":
        return f"<pre>{zh}</pre>"
    if block.kind == "picture":
        path = html.escape(block.rows[0][0])
        return f'<figure><img src="{path}" alt="{zh}"><figcaption>{both}</figcaption></figure>'
    if block.kind == "table":
        rows = [
            "<tr>" + "".join(f"<{cell}>{_cell(text)}</{cell}>" for text in row) + "</tr>"
            for row, cell in zip(block.rows, ["th", *["td"] * len(block.rows)], strict=False)
        ]
        return f"<table>{''.join(rows)}</table>"
    where = ' class="note"' if block.kind == "note" else ""
    second = "" if zh == en else f'<br><span class="en" lang="en">{en}</span>'
    return f"<p{where}>{zh}{second}</p>"


def _cell(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")
