"""PDF: the key `/AIGC` of the document information dictionary, added by an incremental update.

TC260-PG-20258A clause 6.3. The file as it was stays the beginning of the new one, so signatures of its
revisions hold. Read too: `TC260:AIGC` in the XMP metadata.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, BinaryIO

from hegui.service.labels import xmp
from hegui.service.labels.containers.container import Slot, UnreadableError, not_writable, unreadable
from hegui.service.labels.schema import KEYWORD

LARGEST = 512 << 20
"""Most bytes of a PDF that is read; it is held in memory."""
_KEY = f"/{KEYWORD}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the parser's warnings on odd files to itself: the verdict says what matters."""
    log = logging.getLogger("pypdf")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except UnreadableError:
        raise
    except RecursionError:
        raise unreadable("PDF 嵌套过深", "the PDF is nested too deep") from None
    except Exception as error:  # noqa: BLE001 - a damaged PDF can fail in any way
        name = type(error).__name__
        raise unreadable(f"PDF 有误（{name}）", f"the PDF is damaged ({name})") from None
    finally:
        log.setLevel(before)


def _data(file: BinaryIO) -> bytes:
    file.seek(0)
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise unreadable("PDF 过大", "the PDF is too large")
    return data


def _reader(data: bytes) -> Any:  # noqa: ANN401 - the library's own type, imported late
    from pypdf import PdfReader  # noqa: PLC0415 - slow to import, seldom needed

    end = data.rfind(b"%%EOF")
    if end < 0 or data[end + 5 :].strip(b"\0\t\n\f\r "):
        raise unreadable("PDF 不完整，没有结尾", "the PDF is incomplete: it has no end")
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and not reader.decrypt(""):
        raise unreadable("PDF 已加密", "the PDF is encrypted")
    if not reader.pages:
        raise unreadable("PDF 没有页", "the PDF has no pages")
    return reader


class Pdf:
    """PDF documents."""

    name = "pdf"
    suffixes = frozenset({".pdf"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a PDF, some bytes before its mark allowed (ISO 32000 annex H)."""
        return b"%PDF-" in head[:1024]

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the information dictionary and of the XMP metadata."""
        found: list[Slot] = []
        with _quiet():
            reader = _reader(_data(file))
            for key, value in (reader.metadata or {}).items():
                if KEYWORD in key.upper():
                    found.append(Slot(f"Info {key}", str(value)))
            metadata = reader.root_object.get("/Metadata")
            packet = metadata.get_object().get_data() if metadata is not None else b""
            if packet and xmp.NAMESPACE.encode() in packet:
                found += xmp.read(packet, "XMP")
        yield from found

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Append a revision with the label; labels of other keys or of XMP can not be taken back so, and are refused."""
        others = [slot.place for slot in self.read(source) if slot.place != f"Info {_KEY}"]
        if others:
            raise not_writable(f"PDF 的其他位置已有标识：{others}", f"the PDF has labels in other places: {others}")
        data = _data(source)
        with _quiet():
            from pypdf import PdfWriter  # noqa: PLC0415 - slow to import, seldom needed

            reader = _reader(data)
            if reader.is_encrypted:
                raise unreadable("PDF 已加密", "the PDF is encrypted")
            writer = PdfWriter(io.BytesIO(data), incremental=True)
            writer.add_metadata({_KEY: value})
            out = io.BytesIO()
            writer.write(out)
        if not out.getvalue().startswith(data):
            raise not_writable("无法以增量方式更新", "an incremental update is not possible")
        target.write(out.getvalue())

    def payload(self, file: BinaryIO) -> str:
        """Return the digest of every page's content, size and resources, in their order, and of the other information."""
        digest = sha256()
        with _quiet():
            reader = _reader(_data(file))
            for page in reader.pages:
                contents = page.get_contents()
                digest.update(repr([float(item) for item in page.mediabox]).encode())
                digest.update(contents.get_data() if contents is not None else b"")
                for name, image in sorted((page.get("/Resources") or {}).get("/XObject", {}).items()):
                    stream = image.get_object()
                    digest.update(name.encode() + getattr(stream, "_data", b""))
            others = sorted(
                (key, str(value)) for key, value in (reader.metadata or {}).items() if KEYWORD not in key.upper()
            )
            digest.update(repr((others, sorted(reader.root_object))).encode())
        return digest.hexdigest()
