"""Signed notes, checkpoints and proofs in the C2SP formats (signed-note, tlog-checkpoint, tlog-proof)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hegui.kit.errors import InputError
from hegui.kit.text import Bi

_ED25519 = b"\x01"
_DASH = "\u2014"


class NoteError(InputError):
    """A signed note, checkpoint or key is malformed or its signature does not verify."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(Bi(zh, en), Bi("向账本的运营者索取原件", "ask the ledger's operator for the original"))


def key_id(name: str, public: bytes) -> bytes:
    """Return SHA-256(name || 0x0A || type || key)[:4] (signed-note, Signatures)."""
    return sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


@dataclass(frozen=True)
class Signer:
    """The ledger's key with its name (the origin)."""

    name: str
    key: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """Return the 32 bytes of the public key."""
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def vkey(self) -> str:
        """Return the verifier key in text: name, key id, and type with key."""
        identifier = key_id(self.name, self.public).hex()
        return f"{self.name}+{identifier}+{b64encode(_ED25519 + self.public).decode()}"

    def sign(self, text: str) -> str:
        """Return the text as a signed note; the text ends in a newline."""
        signature = key_id(self.name, self.public) + self.key.sign(text.encode())
        return f"{text}\n{_DASH} {self.name} {b64encode(signature).decode()}\n"


@dataclass(frozen=True)
class Verifier:
    """A public key that is trusted under a name."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """Read a verifier key; raise NoteError."""
        try:
            name, identifier, encoded = vkey.strip().split("+", 2)
            raw = b64decode(encoded, validate=True)
            if raw[:1] != _ED25519 or len(raw) != 33 or key_id(name, raw[1:]).hex() != identifier or not name:  # noqa: PLR2004
                raise ValueError
        except ValueError:
            raise NoteError("验证公钥格式有误", "the verifier key is malformed") from None
        return cls(name, raw[1:])

    def open(self, note: str) -> str:
        """Return the text of a note that this key signed; raise NoteError."""
        text, _, signatures = note.rpartition("\n\n")
        text += "\n"
        wanted = key_id(self.name, self.public)
        for line in signatures.splitlines():
            dash, _, rest = line.partition(" ")
            name, _, encoded = rest.partition(" ")
            if dash != _DASH or name != self.name:
                continue
            try:
                raw = b64decode(encoded, validate=True)
                if raw[:4] != wanted:
                    continue
                Ed25519PublicKey.from_public_bytes(self.public).verify(raw[4:], text.encode())
            except (ValueError, InvalidSignature):
                raise NoteError("检查点签名不符", "the checkpoint's signature does not verify") from None
            return text
        raise NoteError("检查点没有此密钥的签名", "the checkpoint has no signature by this key")


@dataclass(frozen=True)
class Checkpoint:
    """The state of the tree that a note states: origin, number of leaves, root hash."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the three lines that are signed (tlog-checkpoint, Note text)."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read the text of a note; raise NoteError."""
        lines = text.split("\n")
        try:
            origin, size, encoded = lines[:3]
            root = b64decode(encoded, validate=True)
            if not origin or str(int(size)) != size or int(size) < 0 or len(root) != 32:  # noqa: PLR2004 - SHA-256
                raise ValueError
        except ValueError:
            raise NoteError("检查点格式有误", "the checkpoint is malformed") from None
        return cls(origin, int(size), root)


def tlog_proof(index: int, proof: Sequence[bytes], checkpoint: str, extra: bytes = b"") -> str:
    """Return a proof that travels alone (tlog-proof, Format)."""
    lines = ["c2sp.org/tlog-proof@v1"]
    if extra:
        lines.append(f"extra {b64encode(extra).decode()}")
    lines.append(f"index {index}")
    lines.extend(b64encode(item).decode() for item in proof)
    return "\n".join(lines) + "\n\n" + checkpoint
