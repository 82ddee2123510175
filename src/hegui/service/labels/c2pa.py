"""C2PA manifests, by the optional c2pa-python: signed after the label was written, read beside it, never instead of it.

A label that is written into a signed file breaks the manifest's hash (C2PA 2.2 section 15.12): who adds one signs
again, with the file as it was as an ingredient. Nothing is fetched: no time stamps, no revocation lists, no manifests
from elsewhere; no thumbnails are made. Certificates and keys are the operator's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from hegui import __version__
from hegui.kit.errors import InputError, SettingsError
from hegui.kit.text import Bi
from hegui.law import cite
from hegui.service.labels import files, manifests
from hegui.service.labels.files import Inspection, NotVerifiedError, Verdict
from hegui.service.labels.schema import Kind, LabelError

_IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
SOURCES: dict[bool, str] = {
    False: f"{_IPTC}trainedAlgorithmicMedia",
    True: f"{_IPTC}compositeWithTrainedAlgorithmicMedia",
}
"""IPTC DigitalSourceType of content whose label is `1`, made whole or, True, edited. `2` and `3` have none: nothing is claimed."""
_FORMATS: dict[str, str] = {
    "png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "tiff": "image/tiff",
    "heif": "image/heic", "mp4": "video/mp4", "avi": "avi", "wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac",
    "pdf": "application/pdf", "ooxml": "docx",
}  # fmt: skip
_BY_SUFFIX = {".avif": "image/avif", ".mov": "video/quicktime", ".m4a": "audio/mp4"}
_READ_ONLY = frozenset({"flac", "pdf", "ooxml"})
"""What c2pa-python 0.38 would harm: it puts an ID3 tag before FLAC, and writes a PDF anew, so that its signatures would break."""
_CURVES = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
_LEAST_RSA = 2048
_GOOD = frozenset({"valid", "trusted"})


@dataclass(frozen=True, slots=True)
class Credential:
    """The operator's certificates, its own first and then those that lead up to the root, and the private key, both in PEM."""

    chain: str
    key: str
    algorithm: str

    def __repr__(self) -> str:
        return f"<Credential {self.algorithm}>"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a file's manifest says. `state`: `unverified` (no extra), `valid`, `trusted`, `invalid`, `unreadable`."""

    state: str
    problems: tuple[str, ...] = ()
    issuer: str = ""
    sources: tuple[str, ...] = ()
    """The IPTC DigitalSourceTypes that its actions claim."""
    manifests: int = 0
    """How many there are: this one, and those of its ingredients."""

    def as_dict(self) -> dict[str, Any]:
        """Return it for machines."""
        return {
            "state": self.state, "problems": list(self.problems), "issuer": self.issuer or None,
            "digital_source_types": list(self.sources), "manifests": self.manifests,
        }  # fmt: skip

    def lines(self) -> list[str]:
        """Return it for a person; it always says that the label of the standard is another thing."""
        said = STATES[self.state]
        more = f"（{'、'.join(self.problems)} / {', '.join(self.problems)}）" if self.problems else ""
        found = [f"C2PA：{said.zh}{more} / {said.en}"]
        if self.issuer:
            found.append(f"C2PA 签名者 signed by: {self.issuer}")
        found += [f"C2PA DigitalSourceType: {source.removeprefix(_IPTC)}" for source in self.sources]
        return [*found, f"C2PA：{APART.both}"]


STATES: dict[str, Bi] = {
    "unverified": Bi(
        "有 C2PA 清单，未核验：安装 hegui[c2pa]", "there is a C2PA manifest; not verified: install hegui[c2pa]"
    ),
    "valid": Bi(
        "清单有效，内容未被改动；签名者未对照信任列表",
        "the manifest holds; its signer was not looked up in a trust list",
    ),
    "trusted": Bi("清单有效，签名者在信任列表中", "the manifest holds, and its signer is in the trust list"),
    "invalid": Bi("清单不成立", "the manifest does not hold"),
    "unreadable": Bi("有清单，无法解析", "there is a manifest that can not be read"),
}
APART = Bi("不代替 GB 45438-2025 的标识", "does not take the place of the label of GB 45438-2025")


def available() -> bool:
    """Say whether the optional package is installed."""
    return find_spec("c2pa") is not None


def need() -> None:
    """Raise SettingsError where the optional package is not installed."""
    if not available():
        raise SettingsError(
            Bi("没有安装处理 C2PA 的组件", "the package for C2PA is not installed"),
            Bi("运行 pip install 'hegui[c2pa]'", "run pip install 'hegui[c2pa]'"),
        )


def _sdk() -> Any:  # noqa: ANN401 - the optional package
    need()
    import c2pa  # noqa: PLC0415 - optional, and 23 MB

    return c2pa


def _context(sdk: Any, anchors: str = "") -> Any:  # noqa: ANN401 - the optional package
    settings: dict[str, Any] = {
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": bool(anchors)},
        "builder": {"thumbnail": {"enabled": False}},
    }
    if anchors:
        settings["trust"] = {"trust_anchors": anchors}
    return sdk.Context.from_dict(settings)


def signs(container: str, name: str) -> bool:
    """Say whether a format is signed."""
    return bool(_format(container, name)) and container not in _READ_ONLY


def format_of(container: str, name: str) -> str:
    """Return what C2PA calls a format that is signed; raise InputError for another."""
    found = _format(container, name)
    if not signs(container, name):
        raise InputError(
            Bi(f"不能给 {container or '此格式'} 签 C2PA", f"C2PA does not sign {container or 'this format'} here"),
            Bi(
                "支持 PNG、JPEG、WebP、GIF、TIFF、HEIC/AVIF、MP4/MOV/M4A、AVI、WAV、MP3",
                "it signs PNG, JPEG, WebP, GIF, TIFF, HEIC/AVIF, MP4/MOV/M4A, AVI, WAV and MP3",
            ),
        )
    return found


def _format(container: str, name: str) -> str:
    return _BY_SUFFIX.get(Path(name).suffix.lower(), _FORMATS.get(container, ""))


# --- keys ----------------------------------------------------------------------------------------------


def read_credential(chain: Path, key: Path) -> Credential:
    """Return the operator's certificates and key from two PEM files; raise InputError for what does not belong together."""
    chain_data, key_data = _read(chain), _read(key)
    try:
        certificates = x509.load_pem_x509_certificates(chain_data)
        private = load_pem_private_key(key_data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _credential(
            f"{chain} 或 {key} 不是 PEM 证书链或未加密的私钥",
            f"{chain} or {key} is no certificate chain, or no private key without a password, in PEM",
        ) from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if certificates[0].public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
        raise _credential("私钥不是第一张证书的", "the key is not that of the first certificate")
    if len(certificates) == 1 and certificates[0].issuer == certificates[0].subject:
        raise _credential("C2PA 不接受自签名证书", "C2PA takes no self-signed certificate")
    return Credential(chain_data.decode("ascii", "replace"), key_data.decode("ascii", "replace"), _algorithm(private))


def _algorithm(private: object) -> str:
    if isinstance(private, ec.EllipticCurvePrivateKey) and private.curve.name in _CURVES:
        return _CURVES[private.curve.name]
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= _LEAST_RSA:
        return "ps256"
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise _credential("密钥种类不受 C2PA 支持", "C2PA does not know keys of this kind")


def _credential(zh: str, en: str) -> InputError:
    return InputError(
        Bi(zh, en),
        Bi(
            "给出 PEM 证书链（签名证书在前，由 CA 签发，用途含 digitalSignature 与 emailProtection）和其私钥（P-256/384/521、Ed25519 或 RSA≥2048）",
            "give the chain in PEM (the signing certificate first, issued by a CA, with digitalSignature and emailProtection) and its key "
            "(P-256/384/521, Ed25519, or RSA of 2048 bits and more)",
        ),
    )


def read_anchors(path: Path) -> str:
    """Return a trust list, the certificates of roots in PEM; raise InputError."""
    data = _read(path)
    try:
        x509.load_pem_x509_certificates(data)
    except ValueError:
        raise InputError(
            Bi(f"{path} 不是 PEM 证书", f"{path} holds no certificates in PEM"), Bi("给出根证书", "give certificates of roots")
        ) from None  # fmt: skip
    return data.decode("ascii", "replace")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise files.no_file(path, error) from None


# --- reading -------------------------------------------------------------------------------------------


def read(path: Path, anchors: str = "") -> Manifest | None:
    """Return what a file's manifest says, None where it has none; without the extra, that it is there and no more."""
    try:
        with path.open("rb") as file:
            container = files.container_name(file, path.name)
            if not manifests.present(file, container):
                return None
            if not available():
                return Manifest("unverified")
            file.seek(0)
            return _told(file, _format(container, path.name), anchors)
    except OSError as error:
        raise files.no_file(path, error) from None


def _told(file: Any, form: str, anchors: str) -> Manifest:  # noqa: ANN401 - an open file
    sdk = _sdk()
    try:
        with sdk.Reader(form, file, context=_context(sdk, anchors)) as reader:
            said = json.loads(reader.json())
            state = str(reader.get_validation_state() or "").lower()
    except (sdk.C2paError, ValueError) as error:
        return Manifest("unreadable", (str(error)[:200],))
    own = said["manifests"].get(said.get("active_manifest"), {})
    results = said.get("validation_results") or {}
    wrong = [item["code"] for item in (results.get("activeManifest") or {}).get("failure", [])]
    actions = [
        action for part in own.get("assertions", []) if str(part.get("label", "")).startswith("c2pa.actions")
        for action in part.get("data", {}).get("actions", [])
    ]  # fmt: skip
    sources = [str(action["digitalSourceType"]) for action in actions if action.get("digitalSourceType")]
    signature = own.get("signature_info") or {}
    issuer = " · ".join(str(signature[name]) for name in ("issuer", "common_name") if signature.get(name))
    known = state if state in STATES else "invalid"
    return Manifest(known, tuple(dict.fromkeys(wrong)), issuer, tuple(dict.fromkeys(sources)), len(said["manifests"]))


# --- signing -------------------------------------------------------------------------------------------


def sign(source: Path, target: Path, credential: Credential, *, edited: bool = False) -> Manifest:
    """Write a signed copy of a file that has its label; a manifest that is there becomes an ingredient of the new one.

    `edited` says that content was edited by a model rather than made by it. Raise LabelError for a file
    without a label (the label first, C2PA last), InputError, NotVerifiedError; nothing is left behind.
    """
    target = target.resolve()
    try:
        with files.beside(target) as new:
            found = _sign(source, source, new, credential, _Content(source.name, edited=edited))
            new.chmod(source.stat().st_mode & 0o777)
            new.replace(target)
    except OSError as error:
        raise files.no_file(Path(error.filename or source), error) from None
    return found


def sealer(credential: Credential, *, visible: bool = False) -> Callable[[Path, Path, str], None]:
    """Return what `files.Seal` signs a new file with; `visible` says that more than its metadata was changed."""

    def seal(before: Path, new: Path, name: str) -> None:
        with files.beside(new) as signed:
            _sign(new, before, signed, credential, _Content(name, visible=visible))
            signed.replace(new)

    return seal


@dataclass(frozen=True, slots=True)
class _Content:
    """What is said of the content: its file's name, whether a model edited it, and whether it looks or sounds different now."""

    name: str
    edited: bool = False
    visible: bool = False


def _sign(source: Path, before: Path, target: Path, credential: Credential, content: _Content) -> Manifest:
    """Write a signed copy; `before` is the file as it came, whose manifest becomes an ingredient. Read the label back, and verify."""
    sdk = _sdk()
    with source.open("rb") as file, before.open("rb") as old, target.open("wb+") as out:
        there = files.inspect_stream(file, content.name)
        _needs_label(there)
        form = format_of(there.container, content.name)
        signed_before = manifests.present(old, files.container_name(old, content.name))
        try:
            builder = _builder(sdk, there, content, signed_before=signed_before)
            if signed_before:
                old.seek(0)
                builder.add_ingredient({"relationship": "parentOf", "title": content.name}, form, old)
            info = sdk.C2paSignerInfo(credential.algorithm, credential.chain.encode(), credential.key.encode(), None)
            file.seek(0)
            builder.sign(sdk.Signer.from_info(info), form, file, out)
        except sdk.C2paError as error:
            raise _not_signed(error) from None
        out.flush()
        os.fsync(out.fileno())
        found = files.inspect_stream(out, content.name)
        out.seek(0)
        told = _told(out, form, "")
    if told.state not in _GOOD or (found.label, len(found.readings)) != (there.label, 1):
        raise _not_verified(told)
    return told


def _needs_label(there: Inspection) -> None:
    if there.verdict is not Verdict.PRESENT:
        name = files.VERDICT_NAMES[there.verdict]
        raise LabelError(
            Bi(f"先写标识，后签 C2PA；此文件：{name.zh}", f"the label first, C2PA last; of this file: {name.en}"),
            Bi("先用 hegui label write 写入标识", "write the label first with `hegui label write`"),
            cite=cite("GB45438-6.1"),
        )


def _builder(sdk: Any, there: Inspection, content: _Content, *, signed_before: bool) -> Any:  # noqa: ANN401 - the optional package
    """Return the manifest to be: made by a model (label 1, first signature), or a file that was opened and edited."""
    whole = there.label is not None and there.label.label == Kind.IS
    made = whole and not signed_before
    action: dict[str, Any] = {"action": "c2pa.edited" if content.visible else "c2pa.edited.metadata"}
    if made:
        action = {"action": "c2pa.created", "digitalSourceType": SOURCES[content.edited]}
    definition = {
        "claim_generator_info": [{"name": "hegui", "version": __version__}],
        "title": content.name,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}],
    }
    builder = sdk.Builder(definition, _context(sdk))
    if not made:
        builder.set_intent(sdk.C2paBuilderIntent.EDIT)
    return builder


def _not_signed(error: Exception) -> InputError:
    return InputError(
        Bi(f"C2PA 签名失败：{error}", f"C2PA could not sign: {error}"),
        Bi("检查证书链、密钥与文件；原文件未动", "check chain, key and file; the original was left alone"),
    )


def _not_verified(told: Manifest) -> NotVerifiedError:
    return NotVerifiedError(
        Bi(f"签名后核验不通过（{told.state}），原文件未动", f"what was signed does not verify ({told.state}); the original was left alone"),
        Bi(f"检查证书的有效期与用途：{'、'.join(told.problems)}", f"check the certificate's dates and uses: {', '.join(told.problems)}"),
    )  # fmt: skip
