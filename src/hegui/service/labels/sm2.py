"""SM3withSM2 (GM/T 0003, OID 1.2.156.10197.1.501).

What touches a private key is done by GmSSL (in C) where it has a wheel, else in Python; verifying is done in
Python everywhere, since GmSSL writes to the error output about each signature that does not fit. Keys are 64 bytes (x and y) and 32 bytes; signatures are r and s, 32 bytes each; the user is the standard's default.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import gmalg  # type: ignore[import-untyped, unused-ignore]
import gmalg.errors  # type: ignore[import-untyped, unused-ignore]

USER = b"1234567812345678"
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_HALF, _WHOLE = 32, 64


def _gmssl() -> Any:  # noqa: ANN401 - a library without types
    if not find_spec("gmssl_pyx"):
        return None
    import gmssl_pyx  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415 - not on every machine

    return gmssl_pyx


def new_key() -> tuple[bytes, bytes]:
    """Return a private and its public key."""
    found = _gmssl()
    if found is None:
        private, public = gmalg.SM2().generate_keypair()
        return bytes(private), bytes(public)[-_WHOLE:]
    public, private = found.sm2_key_generate()
    return bytes(private), bytes(public)


def sign(private: bytes, public: bytes, message: bytes) -> bytes:
    """Return the signature of a message."""
    found = _gmssl()
    if found is None:
        r, s = gmalg.SM2(private, USER, b"\x04" + public).sign(message)
        return bytes(r).rjust(_HALF, b"\0") + bytes(s).rjust(_HALF, b"\0")
    return from_der(bytes(found.sm2_sign(private, public, message, USER)))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether a signature is that of a message by a key, in about a tenth of a second."""
    try:
        known = gmalg.SM2(None, USER, b"\x04" + public)
        return bool(known.verify(message, signature[:_HALF], signature[_HALF:]))
    except (gmalg.errors.GMError, ValueError):
        return False


def from_der(data: bytes) -> bytes:
    """Return r and s out of a DER sequence of two integers; raise ValueError."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature  # noqa: PLC0415 - seldom needed

    r, s = decode_dss_signature(data)
    return r.to_bytes(_HALF, "big") + s.to_bytes(_HALF, "big")


def to_der(signature: bytes) -> bytes:
    """Return r and s as a DER sequence of two integers."""
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature  # noqa: PLC0415 - seldom needed

    return encode_dss_signature(int.from_bytes(signature[:_HALF], "big"), int.from_bytes(signature[_HALF:], "big"))


def points(x: bytes) -> tuple[bytes, ...]:
    """Return the two public keys of which only x is given; none where x is on no point of the curve."""
    value = int.from_bytes(x, "big")
    square = (pow(value, 3, _P) + _A * value + _B) % _P
    root = pow(square, (_P + 1) // 4, _P)  # the prime is 3 modulo 4
    if value >= _P or root * root % _P != square:
        return ()
    return tuple(x + one.to_bytes(_HALF, "big") for one in (root, _P - root))
