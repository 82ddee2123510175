"""The keys, kept in the data directory and never in the database: signing, content, pseudonyms."""

from __future__ import annotations

import fcntl
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hegui.evidence.notes import Signer
from hegui.kit.errors import SettingsError, StoreError
from hegui.kit.files import write_atomic
from hegui.kit.text import Bi

_BYTES = 32


@dataclass(frozen=True)
class Keyring:
    """What signs the ledger, encrypts content and turns users into pseudonyms."""

    signer: Signer
    content: bytes
    content_id: str
    pseudonym: bytes

    def person(self, service: str, user: str) -> str:
        """Return the keyed hash that stands for a person within one service."""
        return hmac.new(self.pseudonym, f"{service}\n{user}".encode(), sha256).hexdigest()[:32]


def _damaged(path: Path, zh: str, en: str) -> StoreError:
    return StoreError(
        Bi(f"密钥文件 {path} {zh}", f"the key file {path} {en}"),
        Bi(
            "从备份恢复该文件；不要删除或重建，否则旧内容无法解密、账本无法续签",
            "restore it from a backup; do not delete or remake it, or old content can not be read nor the ledger go on",
        ),
    )


def _secret(folder: Path, name: str, *, made: bool) -> bytes:
    path = folder / name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if made:
            raise _damaged(path, "不见了", "is missing") from None
        data = secrets.token_bytes(_BYTES)
        write_atomic(path, data, mode=0o600)
    if len(data) != _BYTES:
        raise _damaged(path, "已损坏", "is damaged")
    if path.stat().st_mode & 0o077 and path.stat().st_uid == os.getuid():
        path.chmod(0o600)
    return data


def _check_origin(origin: str) -> None:
    """Refuse a name that a signed note can not carry (signed-note, Format: no spaces, no plus)."""
    if any(char.isspace() or char == "+" or not char.isprintable() for char in origin):
        raise SettingsError(
            Bi(
                f"账本来源名 {origin!r} 含空格、加号或控制字符",
                f"the origin {origin!r} holds a space, a plus or a control",
            ),
            Bi("写成域名加路径，如 example.com/ledger", "write a domain and a path, such as example.com/ledger"),
        )


def open_keyring(data: Path, origin: str = "") -> Keyring:
    """Read the keys, or make them on the first start; raise StoreError when one is missing or damaged.

    The ledger's origin is fixed when the keys are made and never changes afterwards. Its file is
    written last: once it is there, a key that is not was lost, and is never made anew in silence.
    Raises SettingsError for an origin that a signed note can not carry.
    """
    _check_origin(origin)
    folder = data / "keys"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.getuid():
            folder.chmod(0o700)
        with _alone(folder):
            return _open(folder, origin)
    except (OSError, UnicodeDecodeError) as error:
        told = getattr(error, "strerror", None) or str(error)
        raise StoreError(
            Bi(f"无法使用密钥目录 {folder}：{told}", f"can not use the keys in {folder}: {told}"),
            Bi(
                "检查该目录的属主与权限，或从备份恢复",
                "check who owns that folder and its permissions, or restore it from a backup",
            ),
        ) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time look for the keys and make them."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _open(folder: Path, origin: str) -> Keyring:
    named = folder / "origin"
    made = named.exists()
    name = named.read_text("utf-8").strip() if made else origin or f"hegui.local/{secrets.token_hex(8)}"
    if origin and origin != name:
        raise StoreError(
            Bi(
                f"账本来源名已定为 {name}，不能改成 {origin}",
                f"the ledger's origin is {name} and can not become {origin}",
            ),
            Bi("去掉 origin 设置", "remove the setting `origin`"),
        )
    content, ledger, pseudonym = (
        _secret(folder, f"{key}.key", made=made) for key in ("content", "ledger", "pseudonym")
    )
    if not made:
        write_atomic(named, name.encode())
    return Keyring(Signer(name, Ed25519PrivateKey.from_private_bytes(ledger)), content, "c1", pseudonym)
