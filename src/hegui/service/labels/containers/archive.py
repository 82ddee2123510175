"""ZIP archives edited without unpacking: parts that do not change are copied as they are compressed.

PKWARE APPNOTE 4.3 (structure), 4.4 (fields). Archives over 4 GB (ZIP64) and encrypted ones are refused.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import BinaryIO

from hegui.service.labels.container import copy, not_writable, unreadable

LARGEST_PART = 16 << 20
"""Most bytes that a part which is edited may unpack to."""
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_ZIP64 = 0xFFFFFFFF
_DESCRIPTOR, _UTF8 = 0x08, 0x800
_ENCRYPTED = 0x01
_MOST_PARTS = 65_000
_LARGEST_LIST = 16 << 20
"""Most bytes of an archive's directory; in memory it is twenty times as large."""
_FAR = (1 << 16) + 200
"""How far from the end its last record can begin."""


def open_archive(file: BinaryIO) -> zipfile.ZipFile:
    """Return an archive open for reading; raise UnreadableError."""
    if _listed(file) > _LARGEST_LIST:
        raise unreadable("ZIP 目录过大", "the directory of the ZIP is too large")
    file.seek(0)
    try:
        found = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise unreadable(f"ZIP 有误（{error}）", f"the ZIP is damaged ({error})") from None
    names = found.namelist()
    if len(set(names)) < len(names) or len(names) > _MOST_PARTS:
        raise unreadable("ZIP 中有重名或过多的部分", "the ZIP has parts of one name, or too many")
    return found


def _listed(file: BinaryIO) -> int:
    """Return the bytes of the directory of an archive, as its end tells it, 64-bit sizes too: the library reads it at once."""
    size = file.seek(0, 2)
    file.seek(max(size - _FAR, 0))
    tail = file.read(_FAR)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) < at + _END.size:
        return 0
    found = int(_END.unpack_from(tail, at)[5])
    wide = tail.rfind(b"PK\6\6", 0, at)
    return max(found, int.from_bytes(tail[wide + 40 : wide + 48], "little")) if wide >= 0 else found


def part(archive: zipfile.ZipFile, name: str) -> bytes | None:
    """Return a part's bytes, None where there is none; raise UnreadableError for one that is damaged or too large."""
    try:
        info = archive.getinfo(name)
    except KeyError:
        return None
    if info.file_size > LARGEST_PART:
        raise unreadable(f"{name} 过大", f"{name} is too large")
    try:
        with archive.open(info) as file:
            data = file.read(LARGEST_PART + 1)
    except Exception as error:  # noqa: BLE001 - a damaged part can fail in any way
        raise unreadable(f"{name} 有误（{error}）", f"{name} is damaged ({error})") from None
    if len(data) > LARGEST_PART:
        raise unreadable(f"{name} 过大", f"{name} is too large")
    return data


def replace(source: BinaryIO, target: BinaryIO, parts: Mapping[str, bytes]) -> None:
    """Copy an archive with some parts replaced or added; raise NotWritableError for one that is not supported."""
    archive = open_archive(source)
    central: list[bytes] = []
    start = target.tell()
    for info in archive.infolist():
        if info.flag_bits & _ENCRYPTED:
            raise not_writable("ZIP 已加密", "the ZIP is encrypted")
        if max(info.file_size, info.compress_size, info.header_offset) >= _ZIP64:
            raise not_writable("ZIP 超过 4 GB", "the ZIP is over 4 GB")
        if info.filename in parts:
            central.append(_part(target, start, info.filename, parts[info.filename], info.date_time))
        else:
            central.append(_copied(source, target, start, info))
    for name, data in parts.items():
        if name not in archive.NameToInfo:
            central.append(_part(target, start, name, data, (1980, 1, 1, 0, 0, 0)))
    at = target.tell() - start
    target.write(b"".join(central))
    size = target.tell() - start - at
    comment = archive.comment
    target.write(_END.pack(b"PK\5\6", 0, 0, len(central), len(central), size, at, len(comment)) + comment)


def _copied(source: BinaryIO, target: BinaryIO, start: int, info: zipfile.ZipInfo) -> bytes:
    """Copy one part as it is compressed; return its entry in the directory."""
    source.seek(info.header_offset)
    head = source.read(_LOCAL.size)
    if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
        raise unreadable(f"{info.filename} 的位置有误", f"{info.filename} is not where the ZIP says")
    fields = list(_LOCAL.unpack(head))
    rest = source.read(fields[9] + fields[10])
    # The sizes stand in the head, so a descriptor behind the data is not needed.
    flags = info.flag_bits & ~_DESCRIPTOR
    fields[2], fields[6:9] = flags, [info.CRC, info.compress_size, info.file_size]
    at = target.tell() - start
    target.write(_LOCAL.pack(*fields) + rest)
    copy(source, target, info.header_offset + _LOCAL.size + len(rest), info.compress_size)
    name = rest[: fields[9]]
    return _entry(name, info, flags, at) + name + info.extra + info.comment


def _entry(name: bytes, info: zipfile.ZipInfo, flags: int, at: int) -> bytes:
    moment = info.date_time
    day = (moment[0] - 1980) << 9 | moment[1] << 5 | moment[2]
    time = moment[3] << 11 | moment[4] << 5 | moment[5] // 2
    return _CENTRAL.pack(
        b"PK\1\2", info.create_system << 8 | info.create_version, info.extract_version, flags, info.compress_type, time, day,
        info.CRC, info.compress_size, info.file_size, len(name), len(info.extra), len(info.comment), 0, info.internal_attr,
        info.external_attr, at,
    )  # fmt: skip


def _part(target: BinaryIO, start: int, name: str, data: bytes, moment: tuple[int, int, int, int, int, int]) -> bytes:
    """Write one part; return its entry in the directory."""
    info = zipfile.ZipInfo(name, moment)
    info.compress_type = zipfile.ZIP_DEFLATED
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(data) + packer.flush()
    info.CRC, info.compress_size, info.file_size = zlib.crc32(data), len(packed), len(data)
    flags = 0 if name.isascii() else _UTF8
    encoded = name.encode()
    at = target.tell() - start
    entry = _entry(encoded, info, flags, at)
    time, day = _CENTRAL.unpack(entry)[5:7]
    target.write(
        _LOCAL.pack(b"PK\3\4", info.extract_version, flags, info.compress_type, time, day, info.CRC, len(packed), len(data), len(encoded), 0)
        + encoded + packed
    )  # fmt: skip
    return entry + encoded
