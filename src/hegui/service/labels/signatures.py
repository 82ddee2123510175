"""Signatures in the reserved codes (TC260-PG-202511A): made in the guide's form, verified in both dialects that exist.

A key that stands inside the file proves that nothing was changed since, not who wrote it: that takes a
list of pinned keys. `ReservedCode1` is the producer's; what real writers sign in `ReservedCode2` is not known.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from hegui.kit.errors import InputError
from hegui.kit.files import write_output
from hegui.kit.text import Bi
from hegui.service.labels import sm2
from hegui.service.labels.schema import Label

ALGORITHM = "1.2.156.10197.1.501"
_HALF, _WHOLE = 32, 64
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_SM2_CURVE = bytes.fromhex("06082a811ccf5501822d")
"""The curve's OID (1.2.156.10197.1.301) inside a public key in DER."""


class Dialect(StrEnum):
    """What is signed."""

    MESSAGE = "message"  # 直接签名消息
    DIGEST = "digest"  # 先作 SM3 再签名


@dataclass(frozen=True, slots=True)
class Signature:
    """What one reserved code holds. `valid` is None where it can not be told: another scheme, or no known message."""

    slot: str
    scheme: str
    valid: bool | None = None
    dialect: Dialect | None = None
    pinned: bool = False
    key: str = ""
    """SHA-256 of the public key, 64 bytes."""

    def as_dict(self) -> dict[str, Any]:
        """Return the signature for machines."""
        return {
            "slot": self.slot, "scheme": self.scheme, "valid": self.valid,
            "dialect": self.dialect.value if self.dialect else None, "pinned": self.pinned, "key": self.key or None,
        }  # fmt: skip

    def line(self) -> str:
        """Return the signature for a person."""
        if self.valid is None:
            return f"{self.slot}: {self.scheme}，无法核验 / can not be verified"
        if not self.valid:
            return f"{self.slot}: {self.scheme} 签名不符，内容或标识被改过，或另有约定 / the signature does not fit"
        if self.pinned:
            return f"{self.slot}: {self.scheme} 签名有效，公钥在信任清单中 / valid, by a key that is pinned"
        return (
            f"{self.slot}: {self.scheme} 签名有效；公钥就在文件里，只证明未被改动，不证明是谁 / "
            "valid; the key is in the file: it proves integrity only, not who signed"
        )


def message(label: Label) -> bytes:
    """Return what a producer signs: the guide's appendix A.1, no braces and no spaces."""
    return f'"Label":"{label.label}","ContentProducer":"{label.content_producer}","ProduceID":"{label.produce_id}"'.encode()


# --- keys ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """A key pair for signing labels."""

    private: bytes
    public: bytes

    def __repr__(self) -> str:
        return f"<Key {fingerprint(self.public)[:16]}>"


def fingerprint(public: bytes) -> str:
    """Return the name of a public key."""
    return hashlib.sha256(public).hexdigest()


def new_key(path: Path) -> Key:
    """Make a key pair and write it to a new file that only its owner reads; raise InputError where there is one."""
    if path.exists():
        raise InputError(Bi(f"{path} 已存在", f"{path} is there already"), Bi("换一个文件名", "give another name"))
    private, public = sm2.new_key()
    body = {"algorithm": ALGORITHM, "private": private.hex(), "public": public.hex()}
    write_output(path, json.dumps(body, indent=1).encode(), mode=0o600)
    return Key(private, public)


def read_key(path: Path) -> Key:
    """Read a key pair; raise InputError."""
    try:
        data = json.loads(path.read_text("utf-8"))
        key = Key(bytes.fromhex(data["private"]), bytes.fromhex(data["public"]))
        if len(key.private) != _HALF or len(key.public) != _WHOLE:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            Bi(f"{path} 不是签名密钥", f"{path} is no signing key"),
            Bi("用 hegui label key 生成", "make one with `hegui label key`"),
        ) from None
    return key


def read_pins(path: Path) -> frozenset[str]:
    """Return the pinned keys of a file: a public key a line in hex (64 bytes, or DER), `#` for comments; raise InputError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Bi(f"无法读取 {path}", f"can not read {path}: {error}"), Bi("检查路径与权限", "check the path")
        ) from None
    pins: set[str] = set()
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        found = _public_keys(text) if text else ()
        if text and not found:
            raise InputError(
                Bi(f"{path} 第 {number} 行不是公钥", f"line {number} of {path} is no public key"),
                Bi("每行一个十六进制公钥", "write a public key in hex on each line"),
            )
        pins.update(map(fingerprint, found))
    return frozenset(pins)


def _public_keys(text: object) -> tuple[bytes, ...]:
    """Return the keys that a value can mean: 64 bytes, with 04 before, inside DER, or x alone (both points)."""
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        return ()
    data = bytes.fromhex(text)
    if _SM2_CURVE in data and len(data) > _WHOLE:
        return (data[-_WHOLE:],)
    if len(data) == _WHOLE + 1 and data[0] == 4:  # noqa: PLR2004 - an uncompressed point
        return (data[1:],)
    if len(data) == _WHOLE:
        return (data,)
    if len(data) in {_HALF, _HALF + 1}:
        return sm2.points(data[-_HALF:])
    return ()


# --- signing -------------------------------------------------------------------------------------------


def signed(label: Label, key: Key) -> Label:
    """Return a label with the producer's signature in `ReservedCode1`, in the guide's form."""
    signature = sm2.sign(key.private, key.public, message(label))
    return replace(label, reserved_code1=_code(signature, key))


def _code(signature: bytes, key: Key) -> str:
    body = {
        "SecurityData": {
            "Type": "TC260PG", "Version": 1,
            "PubSD": [
                {
                    "Type": "DS", "AlgID": ALGORITHM, "TBSData": {"Type": "Md"},
                    "Signature": sm2.to_der(signature).hex().upper(), "KeyID": fingerprint(key.public)[:32],
                },
                {"Type": "PubKey", "AlgID": ALGORITHM, "KeyValue": f"04{key.public.hex().upper()}"},
            ],
        }
    }  # fmt: skip
    return json.dumps(body, separators=(",", ":"))


# --- verifying -----------------------------------------------------------------------------------------


def check(label: Label, pins: frozenset[str] = frozenset()) -> tuple[Signature, ...]:
    """Return what the reserved codes hold, those that are empty left out."""
    slots = (("ReservedCode1", label.reserved_code1), ("ReservedCode2", label.reserved_code2))
    return tuple(_checked(label, slot, code, pins) for slot, code in slots if code.strip())


def _checked(label: Label, slot: str, code: str, pins: frozenset[str]) -> Signature:
    data = _security_data(code)
    if data is None:
        return Signature(slot, "opaque")
    parts = [item for item in _parts(data) if isinstance(item, Mapping)]
    sign = next((item for item in parts if item.get("Type") == "DS" or "Signature" in item), None)
    if sign is None:
        return Signature(slot, str(data.get("AlgID") or "unsigned")[:64])
    if sign.get("AlgID") != ALGORITHM:
        return Signature(slot, str(sign.get("AlgID"))[:64])
    keys = [key for item in parts for key in _public_keys(item.get("KeyValue"))]
    raw = _signature(sign.get("Signature"))
    if raw is None or not keys:
        return Signature(slot, "SM3withSM2")
    for key in keys:
        for dialect, text in _messages(label):
            if sm2.verify(key, text, raw):
                return Signature(slot, "SM3withSM2", True, dialect, fingerprint(key) in pins, fingerprint(key))  # noqa: FBT003 - its field
    # What is signed in the second slot is not known, so it can not be told that it is wrong.
    return Signature(slot, "SM3withSM2", False if slot == "ReservedCode1" else None, key=fingerprint(keys[0]))


def _messages(label: Label) -> Iterator[tuple[Dialect, bytes]]:
    text = message(label)
    yield Dialect.MESSAGE, text
    yield Dialect.DIGEST, hashlib.new("sm3", text).digest()


def _security_data(code: str) -> Mapping[str, Any] | None:
    try:
        data = json.loads(code)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, Mapping):
        return None
    inner = data.get("SecurityData", data)
    return inner if isinstance(inner, Mapping) and str(inner.get("Type", "")).strip() == "TC260PG" else None


def _parts(data: Mapping[str, Any]) -> list[Any]:
    """Return the parts, however their list is spelt (`PubSD`, `PubSd`)."""
    found: Any = next((value for name, value in data.items() if name.upper() == "PUBSD"), [])
    return found if isinstance(found, list) else []


def _signature(text: object) -> bytes | None:
    if not isinstance(text, str) or not _HEX.fullmatch(text):
        return None
    data = bytes.fromhex(text)
    if len(data) == _WHOLE:
        return data
    try:
        return sm2.from_der(data)
    except (ValueError, OverflowError):
        return None
