"""What becomes of C2PA manifests where files are labelled as they pass: signed again, given up, or the file is refused.

A label that is written into a file breaks the manifest that is there (C2PA 2.2 section 15.12). The operator says what
is done: with a chain and a key the file is signed last, the old manifest as ingredient; else it stays unlabelled, which
for who labels means that it is withheld, unless the operator gives such manifests up.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from hegui.kit.errors import HeguiError, SettingsError
from hegui.kit.text import Bi
from hegui.service.labels import c2pa, files, manifests
from hegui.service.labels.files import BreaksManifestError, Seal
from hegui.service.labels.schema import Label

_NAMED = Bi(
    "运营者设 c2pa_chain 与 c2pa_key（需 hegui[c2pa]）重新签名，或设 c2pa_break 放弃原清单",
    "the operator sets c2pa_chain and c2pa_key (with hegui[c2pa]) to have it signed again, or c2pa_break to give the manifest up",
)


class Fate(StrEnum):
    """What became of a file's manifest."""

    SIGNED = "signed"  # 已签
    BROKEN = "broken"  # 原清单失效
    NONE = "none"  # 无


@dataclass(frozen=True, slots=True)
class Sealing:
    """What the operator has done about manifests: the key to sign with, if any, and whether one may be broken."""

    credential: c2pa.Credential | None = None
    breaking: bool = False

    def signs(self, container: str, name: str) -> bool:
        """Say whether files of a container, so named, are signed."""
        return self.credential is not None and c2pa.signs(container, name)

    def fate(self, file: BinaryIO, container: str, name: str, *, every: bool) -> Fate:
        """Return what becomes of the manifest of an open file; raise BreaksManifestError where it may not be broken.

        `every` has files without a manifest signed, too: what this operator made, and nobody else.
        """
        there = manifests.present(file, container)
        if (there or every) and self.signs(container, name):
            return Fate.SIGNED
        if not there:
            return Fate.NONE
        if self.breaking:
            return Fate.BROKEN
        raise BreaksManifestError(
            Bi("文件有 C2PA 清单，写入标识后其哈希不再成立，未写入", "the file has a C2PA manifest, whose hash a label would break; nothing was written"),
            _NAMED,
        )  # fmt: skip

    def seal(self, fate: Fate) -> Seal:
        """Return how a label is written into a file of that fate."""
        if fate is Fate.SIGNED and self.credential is not None:
            return Seal(c2pa.sealer(self.credential))
        return Seal(breaking=fate is Fate.BROKEN)

    def sign(self, before: Path, new: Path, name: str, *, visible: bool) -> None:
        """Sign a new file that has its label, in place; `before` is the file as it came. Raise InputError.

        `visible` says that it looks or sounds different from what came.
        """
        if self.credential is not None:
            c2pa.sealer(self.credential, visible=visible)(before, new, name)

    def try_out(self, code: str) -> None:
        """Sign a small picture, deleted at once, so that a certificate that nobody would accept is told at start.

        `code` is the provider's. Raise SettingsError.
        """
        if self.credential is None:
            return
        with tempfile.TemporaryDirectory(prefix="c2pa-") as folder:
            path = Path(folder) / "trial.png"
            Image.new("RGB", (8, 8)).save(path)
            try:
                files.write(path, path, Label.first(code, "trial"), seal=self.seal(Fate.SIGNED))
            except HeguiError as error:
                raise SettingsError(
                    Bi(f"c2pa_chain 与 c2pa_key 不能签名：{error.title.zh}", f"c2pa_chain and c2pa_key do not sign: {error.title.en}"),
                    error.remedy,
                ) from error  # fmt: skip


def sealing(chain: str, key: str, *, breaking: bool) -> Sealing:
    """Return what is done, by the settings `c2pa_chain`, `c2pa_key` (paths, or empty) and `c2pa_break`.

    Raise SettingsError for one path without the other, and without the extra; InputError for files that do not belong together.
    """
    if bool(chain) != bool(key):
        raise SettingsError(
            Bi("c2pa_chain 与 c2pa_key 要一起设", "c2pa_chain and c2pa_key go together"),
            Bi("补上另一项，或都不设", "set the other one, too, or neither"),
        )
    if not chain:
        return Sealing(breaking=breaking)
    c2pa.need()
    return Sealing(c2pa.read_credential(Path(chain), Path(key)), breaking)


def named(error: BreaksManifestError) -> Bi:
    """Return a refusal with what the operator can set, for where no remedy is told beside it."""
    return Bi(f"{error.title.zh}；{error.remedy.zh}", f"{error.title.en}; {error.remedy.en}")
