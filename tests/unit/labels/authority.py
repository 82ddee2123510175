"""A small certificate authority for tests: a root and certificates that it issued, as C2PA wants them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from hegui.service.labels import c2pa, files

Key = ec.EllipticCurvePrivateKey
_CURVE = ec.SECP256R1()
_NO = dict.fromkeys(
    (
        "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only",
    ),
    False,
)  # fmt: skip


class Paths(NamedTuple):
    """PEM files of an operator: chain and key, and the root that others trust."""

    chain: Path
    key: Path
    root: Path


def name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "样例运营者"),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def certificate(common: str, key: Key, issuer: str, signer: Key, *, days: int = 30, root: bool = False) -> bytes:
    now = dt.datetime.now(dt.UTC) - dt.timedelta(days=10)
    built = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(root, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .add_extension(x509.KeyUsage(not root, key_cert_sign=root, crl_sign=root, **_NO), critical=True)
    )
    if not root:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
        built = built.add_extension(usage, critical=False)
    return built.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM)


def pem(key: Key, password: bytes = b"") -> bytes:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def elsewhere(path: Path, key: c2pa.Credential) -> bytes:
    """Sign a file as others do, who write no label before; hegui signs nothing that has none. Return it."""
    sdk = c2pa._sdk()  # noqa: SLF001 - as c2pa-python is used here
    with path.open("rb") as file:
        form = c2pa.format_of(files.container_name(file, path.name), path.name)
    action = {"action": "c2pa.created", "digitalSourceType": c2pa.SOURCES[False]}
    definition = {
        "claim_generator_info": [{"name": "upstream", "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    info = sdk.C2paSignerInfo(key.algorithm, key.chain.encode(), key.key.encode(), None)
    out = path.with_name(f"elsewhere-{path.name}")
    with path.open("rb") as source, out.open("wb+") as target:
        builder = sdk.Builder(definition, c2pa._context(sdk))  # noqa: SLF001 - as above
        builder.sign(sdk.Signer.from_info(info), form, source, target)
    return out.read_bytes()


def operator(folder: Path, *, days: int = 30, curve: ec.EllipticCurve = _CURVE) -> Paths:
    """Write a chain and its key."""
    top, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(curve)
    root = certificate("root", top, "root", top, root=True)
    found = Paths(folder / "chain.pem", folder / "key.pem", folder / "root.pem")
    found.chain.write_bytes(certificate("signer", own, "root", top, days=days) + root)
    found.key.write_bytes(pem(own))
    found.root.write_bytes(root)
    return found
