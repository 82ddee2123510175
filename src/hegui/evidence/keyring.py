"""The keys, kept in the data directory and never in the database: signing, content, pseudonyms."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hegui.evidence.notes import Signer
from hegui.kit.errors import StoreError
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


def _secret(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = secrets.token_bytes(_BYTES)
        write_atomic(path, data, mode=0o600)
    if len(data) != _BYTES:
        raise StoreError(
            Bi(f"密钥文件 {path} 已损坏", f"the key file {path} is damaged"),
            Bi(
                "从备份恢复该文件；不要删除，否则旧内容无法解密",
                "restore it from a backup; do not delete it, or old content can not be read",
            ),
        )
    return data


def open_keyring(data: Path, origin: str = "") -> Keyring:
    """Read the keys, or make them on the first start; raise StoreError for a damaged file.

    The ledger's origin is fixed when the signing key is made and never changes afterwards.
    """
    folder = data / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid == os.getuid():
        folder.chmod(0o700)
    named = folder / "origin"
    if not named.exists():
        write_atomic(named, (origin or f"hegui.local/{secrets.token_hex(8)}").encode())
    name = named.read_text("utf-8").strip()
    if origin and origin != name:
        raise StoreError(
            Bi(
                f"账本来源名已定为 {name}，不能改成 {origin}",
                f"the ledger's origin is {name} and can not become {origin}",
            ),
            Bi("去掉 origin 设置", "remove the setting `origin`"),
        )
    content = _secret(folder, "content.key")
    signer = Signer(name, Ed25519PrivateKey.from_private_bytes(_secret(folder, "ledger.key")))
    return Keyring(signer, content, "c1", _secret(folder, "pseudonym.key"))
