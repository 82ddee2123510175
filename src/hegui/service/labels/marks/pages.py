"""The line on PDF: a plate at the top of each page, as a person sees it, added behind the file's own bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image
from pypdf import PdfReader, PdfWriter, Transformation
from pypdf.errors import PyPdfError
from pypdf.generic import NameObject, NullObject, TextStringObject

from hegui.kit.errors import InputError
from hegui.kit.text import Bi
from hegui.service.labels.marks import design
from hegui.service.labels.marks.corner import Corner

_POINTS = 24.0
_MARGIN = 8.0
_WIDEST = 0.9
_SIZE = (2400, 700)
_NAME = "/HeguiLabel"


def _stored(turn: int, width: float, height: float) -> tuple[float, float, float, float, float, float]:
    """Return what leads from a page as it is seen, origin at the lower left, to the page as it is stored."""
    return {
        90: (0, 1, -1, 0, width, 0), 180: (-1, 0, 0, -1, width, height), 270: (0, -1, 1, 0, 0, height),
    }.get(turn, (1, 0, 0, 1, 0, 0))  # fmt: skip


def _line(wording: str) -> Any:  # noqa: ANN401 - a page of pypdf
    """Return a page that is the plate with its words, as a picture."""
    mark = design.design(_SIZE, wording, Corner.TOP)
    picture = Image.new("RGB", mark.plate.size, "white")
    for tone, mask, share in (
        (design.DARK, mark.plate, 1.0),
        (design.LIGHT, mark.edge, design.EDGE),
        (design.LIGHT, mark.ink, 1.0),
    ):
        picture.paste(tone, (0, 0), mask.point(lambda value, share=share: round(value * share)))
    buffer = io.BytesIO()
    picture.save(buffer, "PDF", resolution=72, quality=92)
    return PdfReader(buffer).pages[0]


def pdf(source: Path, target: Path, wording: str) -> tuple[str, bool]:
    """Write a PDF with the line on each page; raise InputError for one that is damaged or encrypted.

    The bytes that were there stay as they are, the new ones follow; a reader shows a digital signature as
    followed by a change, which it is.
    """
    try:
        writer = PdfWriter(str(source), incremental=True)
        if writer.root_object.get(_NAME) == wording:
            target.write_bytes(source.read_bytes())
            return "top of each page", False
        # pypdf numbers the index of a revision like the first new object of the next, and then reads the one for the other.
        writer._add_object(NullObject())  # noqa: SLF001 - it has no public name
        line = _line(wording)
        wide, high = float(line.mediabox.width), float(line.mediabox.height)
        for page in writer.pages:
            box = page.cropbox
            width, height = float(box.width), float(box.height)
            turn = int(page.get("/Rotate", 0) or 0) % 360
            seen = (height, width) if turn in {90, 270} else (width, height)
            scale = min(_POINTS / high, seen[0] * _WIDEST / wide)
            place = (
                Transformation().scale(scale).translate((seen[0] - wide * scale) / 2, seen[1] - high * scale - _MARGIN)
            )
            stored = place.transform(Transformation(_stored(turn, width, height)))
            page.merge_transformed_page(line, stored.translate(float(box.left), float(box.bottom)))
        _remember(writer, wording)
        writer.write(str(target))
    except (PyPdfError, ValueError, KeyError, TypeError, OSError, RecursionError) as error:
        raise InputError(
            Bi(f"无法给 PDF 加标识 {source}", f"can not mark the PDF {source}: {error}"),
            Bi("检查文件是否完好、是否加密", "check that the file is sound and not encrypted"),
        ) from None
    return "top of each page", True


def _remember(writer: PdfWriter, wording: str) -> None:
    """Note in the catalogue what line the pages have, so that none gets it twice."""
    writer.root_object[NameObject(_NAME)] = TextStringObject(wording)
