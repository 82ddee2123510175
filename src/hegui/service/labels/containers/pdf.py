"""PDF: the key `/AIGC` of the document information dictionary, added by an incremental update.

TC260-PG-20258A clause 6.3. The file as it was stays the beginning of the new one, so signatures of its
revisions hold. Read too: `TC260:AIGC` in the XMP metadata.
"""

from __future__ import annotations

import io
import itertools
import logging
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from hegui.kit.errors import InputError
from hegui.service.labels import loose
from hegui.service.labels.container import MOST_HELD, Held, Slot, copy, not_writable, pieces, unreadable
from hegui.service.labels.containers.splice import from_xmp
from hegui.service.labels.schema import KEYWORD, LONGEST_VALUE, Deviation

_LARGEST_PART = 64 << 20
"""Most bytes of a PDF that are read at once."""
_FAR = 64 << 10
_MOST_TIMES = 4
"""How often a file may say a byte of it: pages share their resources."""
_MOST_BYTES = 9_999_999_999
"""The last place that ten digits of a table can say."""
_KEY = f"/{KEYWORD}"
_TELLS = re.compile(rb"AIGC|ContentProducer|ProduceID")
_MOST_ATTACHED = 256


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the parser's warnings on odd files to itself: the verdict says what matters."""
    log = logging.getLogger("pypdf")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except InputError:
        raise
    except RecursionError:
        raise unreadable("PDF 嵌套过深", "the PDF is nested too deep") from None
    except Exception as error:  # noqa: BLE001 - a damaged PDF can fail in any way
        name = type(error).__name__
        raise unreadable(f"PDF 有误（{name}）", f"the PDF is damaged ({name})") from None
    finally:
        log.setLevel(before)


class _Whole(io.BufferedReader):
    """A file as the parser reads it: byte by byte, and all at once only where its tables are damaged and it is small."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Read; raise UnreadableError."""
        if size is None or size < 0 or size > _LARGEST_PART:
            at = self.tell()
            size = self.seek(0, 2) - at
            self.seek(at)
            if size > _LARGEST_PART:
                raise unreadable("PDF 的表损坏，而文件过大", "the tables of the PDF are damaged, and it is large")
        return super().read(size)


@contextmanager
def _open(file: BinaryIO) -> Iterator[Any]:
    """Yield the library's reader of a file; raise UnreadableError for what is damaged, encrypted or has no pages."""
    from pypdf import PdfReader  # noqa: PLC0415 - slow to import, seldom needed

    size = file.seek(0, 2)
    tail = b"".join(pieces(file, max(size - _FAR, 0), min(size, _FAR)))
    end = tail.rfind(b"%%EOF")
    if end < 0 or tail[end + 5 :].strip(b"\0\t\n\f\r "):
        raise unreadable("PDF 不完整，没有结尾", "the PDF is incomplete: it has no end")
    whole = _Whole(file)  # type: ignore[arg-type]  # any file that can be read
    try:
        with _quiet():
            reader = PdfReader(whole, strict=False)
            if reader.is_encrypted and not reader.decrypt(""):
                raise unreadable("PDF 已加密", "the PDF is encrypted")
            if not reader.pages:
                raise unreadable("PDF 没有页", "the PDF has no pages")
            yield reader
    finally:
        whole.detach()


class Pdf:
    """PDF documents."""

    name = "pdf"
    suffixes = frozenset({".pdf"})

    def recognises(self, head: bytes) -> bool:
        """Say whether a file begins as a PDF, some bytes before its mark allowed (ISO 32000 annex H)."""
        return b"%PDF-" in head[:1024]

    def read(self, file: BinaryIO) -> Iterator[Slot]:
        """Yield the labels of the information dictionary, of the XMP metadata, the catalogue and what is attached."""
        found: list[Slot] = []
        with _open(file) as reader:
            for key, value in (reader.metadata or {}).items():
                if KEYWORD in key.upper():
                    notes = () if key == _KEY else (Deviation.OTHER_PLACE,)
                    found.append(Slot(f"Info {key}", str(value), notes))
                else:
                    found += loose.elsewhere(f"Info {key}", str(value))
            found += _elsewhere(reader)
            metadata = reader.root_object.get("/Metadata")
            packet = metadata.get_object().get_data() if metadata is not None else b""
            if packet and _TELLS.search(packet.replace(b"\0", b"")):
                found += from_xmp(packet, "XMP")
        yield from found

    def write(self, source: BinaryIO, target: BinaryIO, value: str) -> None:
        """Append a revision with the label; labels of other keys or of XMP can not be taken back so, and are refused."""
        others = [slot.place for slot in self.read(source) if slot.place != f"Info {_KEY}"]
        if others:
            raise not_writable(f"PDF 的其他位置已有标识：{others}", f"the PDF has labels in other places: {others}")
        file_size = source.seek(0, 2)
        if b"".join(pieces(source, 0, min(5, file_size))) != b"%PDF-":
            raise not_writable("PDF 头不在开头", "the PDF's head is not at its beginning")
        with _open(source) as reader:
            if reader.is_encrypted:
                raise not_writable("PDF 已加密", "the PDF is encrypted")
            more = _revision(reader, value, file_size)
        copy(source, target, 0, file_size)
        target.write(more)

    def payload(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield every page's content, size and resources as they are stored, in their order, and the other information."""
        spent = Held(_MOST_TIMES * file.seek(0, 2) + MOST_HELD)
        with _open(file) as reader:
            for page in reader.pages:
                yield repr([str(item) for item in page.mediabox]).encode()
                contents = page["/Contents"].get_object() if "/Contents" in page else []
                for part in contents if isinstance(contents, list) else [contents]:
                    data = getattr(part.get_object(), "_data", b"")
                    spent.take(len(data))
                    yield data
                for name, image in sorted((page.get("/Resources") or {}).get("/XObject", {}).items()):
                    data = getattr(image.get_object(), "_data", b"")
                    spent.take(len(data))
                    yield name.encode() + data
            others = sorted(
                (key, str(value)) for key, value in (reader.metadata or {}).items() if KEYWORD not in key.upper()
            )
            yield repr((others, sorted(reader.root_object))).encode()


def _elsewhere(reader: Any) -> Iterator[Slot]:  # noqa: ANN401 - the library's own type
    """Yield the labels of the catalogue, and of files that are attached under the keyword's name."""
    for key, value in reader.root_object.items():
        if KEYWORD in key.upper():
            yield Slot(f"Root {key}", str(value.get_object()), (Deviation.OTHER_PLACE,))
    if "/Names" not in reader.root_object:
        return
    for name in itertools.islice(reader.attachments, _MOST_ATTACHED):
        if KEYWORD in name.upper():
            for data in reader.attachments[name][:1]:
                yield Slot(f"EmbeddedFiles {name}", data[: LONGEST_VALUE + 1], (Deviation.OTHER_PLACE,))


def _revision(reader: Any, value: str, size: int) -> bytes:  # noqa: ANN401 - the library's own type
    """Return what an incremental update appends: the information again with the label, and a table like the last one."""
    from pypdf import generic  # noqa: PLC0415 - slow to import, seldom needed

    trailer = reader.trailer
    root, old = trailer.raw_get("/Root"), trailer.get("/Info")
    info = generic.DictionaryObject(old.get_object() if old is not None else {})
    info[generic.NameObject(_KEY)] = generic.TextStringObject(value)
    place = trailer.raw_get("/Info") if old is not None else None
    count = int(trailer["/Size"])
    number, generation = (place.idnum, place.generation) if isinstance(place, generic.IndirectObject) else (count, 0)
    start = size + 1
    body = f"\n{number} {generation} obj\n".encode() + _packed(info) + b"\nendobj\n"
    table = size + len(body)
    if table >= _MOST_BYTES:
        raise not_writable("PDF 过大", "the PDF is too large")
    new = generic.DictionaryObject({generic.NameObject("/Root"): root})
    new[generic.NameObject("/Info")] = generic.IndirectObject(number, generation, reader)
    if "/ID" in trailer:
        new[generic.NameObject("/ID")] = trailer.raw_get("/ID")
    last, streamed = _last_table(reader)
    new[generic.NameObject("/Prev")] = generic.NumberObject(last)
    count = max(count, number + 1)
    if not streamed:
        new[generic.NameObject("/Size")] = generic.NumberObject(count)
        rows = f"xref\n{number} 1\n{start:010} {generation:05} n \ntrailer\n".encode()
        return body + rows + _packed(new) + f"\nstartxref\n{table}\n%%EOF\n".encode()
    rows = struct.pack(">BQHBQH", 1, start, generation, 1, table, 0)
    stream = generic.StreamObject()
    stream.update(new)
    pairs = ((number, 1), (count, 1))
    stream[generic.NameObject("/Type")] = generic.NameObject("/XRef")
    stream[generic.NameObject("/Size")] = generic.NumberObject(count + 1)
    stream[generic.NameObject("/W")] = generic.ArrayObject(map(generic.NumberObject, (1, 8, 2)))
    stream[generic.NameObject("/Index")] = generic.ArrayObject(
        generic.NumberObject(one) for pair in pairs for one in pair
    )
    stream.set_data(rows)
    return body + f"{count} 0 obj\n".encode() + _packed(stream) + f"\nendobj\nstartxref\n{table}\n%%EOF\n".encode()


def _last_table(reader: Any) -> tuple[int, bool]:  # noqa: ANN401 - the library's own type
    """Return the place of the last table, and whether it is a stream; raise NotWritableError where it stands elsewhere."""
    stream = reader.stream
    size = stream.seek(0, 2)
    stream.seek(max(size - _FAR, 0))
    found = re.findall(rb"startxref\s+(\d{1,12})\s+%%EOF", stream.read(_FAR))
    if not found:
        raise not_writable("没有可用的 startxref", "there is no startxref that can be used")
    place = int(found[-1])
    stream.seek(min(place, size))
    head = re.match(rb"\s*(?:xref|\d+\s+\d+\s+(obj))", stream.read(64))
    if head is None:
        raise not_writable("交叉引用表不在所说的位置", "the table of references is not where the PDF says")
    return place, head[1] is not None


def _packed(item: Any) -> bytes:  # noqa: ANN401 - the library's own type
    out = io.BytesIO()
    item.write_to_stream(out)
    return out.getvalue()
