"""Encryption at rest: AES-256-GCM with the content key, which is never in the database."""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hegui.evidence.keyring import Keyring
from hegui.kit import ids

_NONCE = 12


class Box:
    """Seals bytes under the id of the record that they belong to; `key_id` names the key, to be kept beside them."""

    def __init__(self, keyring: Keyring) -> None:
        self._cipher = AESGCM(keyring.content)
        self.key_id = keyring.content_id

    def seal(self, record: str, plain: bytes) -> bytes:
        """Return nonce and ciphertext, which open under the same id alone."""
        nonce = ids.random_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, record.encode())

    def open(self, record: str, sealed: bytes) -> bytes | None:
        """Return what was sealed under an id, or None when key or id do not fit."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], record.encode())
        except (InvalidTag, ValueError):
            return None
