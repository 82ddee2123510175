"""One upload from its first byte to its record: received on the disk, judged once, kept, and found again by its key."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from hegui.evidence.keyring import Keyring
from hegui.kit import ids
from hegui.kit.calls import CallError
from hegui.kit.errors import InputError
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.service.labels.schema import set_code
from hegui.service.labels.sealing import sealing
from hegui.service.uploads import acts, judging
from hegui.service.uploads.models import Form, Upload
from hegui.service.uploads.shelf import Shelf, Slip
from hegui.store.unit import Store, unit_of_work


def key_taken() -> CallError:
    """Return the error for a second file under the name of another."""
    return CallError(
        409, "key_taken", Bi("该 key 已用于另一份文件", "this `key` stands for another file"),
        Bi("每份文件用自己的 key", "give each file a `key` of its own"), cite=acts.CLAUSE,
    )  # fmt: skip


class Desk:
    """Takes uploads in; used from threads, by any worker and by commands."""

    def __init__(self, store: Store, keyring: Keyring, settings: Settings) -> None:
        self.store = store
        self.keyring = keyring
        self._months = settings.log_months
        self._by = judging.Platform(
            set_code("propagator_code", settings.propagator_code),
            sealing(settings.c2pa_chain, settings.c2pa_key, breaking=settings.c2pa_break),
        )
        self.shelf = Shelf.of(settings)

    def known(self, slip: Slip) -> Upload | None:
        """Return what was sent before under the same key."""
        if not slip.key:
            return None
        with unit_of_work(self.store) as session:
            return acts.by_key(session, slip.service, slip.key)

    @staticmethod
    def same(row: Upload, digest: str) -> Upload:
        """Return what was judged before where it is the file that was sent again; raise CallError 409 for another."""
        if row.digest != digest:
            raise key_taken()
        return row

    def check_pieces(self, number: str, slip: Slip) -> None:
        """Raise CallError 409 for an upload that was sent whole, or was judged: nothing is added to it any more."""
        with unit_of_work(self.store) as session:
            judged = session.get(Upload, number) is not None
        if judged or slip.size is None:
            raise CallError(
                409, "not_in_pieces", Bi("该上传不再接收字节", "this upload takes no more bytes"),
                Bi("用 GET 查看它的状态；另一份文件另行上传", "look at it with GET; send another file as another upload"),
            )  # fmt: skip

    def open(self, slip: Slip) -> str:
        """Make room for an upload and return its number."""
        number = ids.uuid7()
        self.shelf.open(number, slip)
        return number

    def finish(self, number: str, slip: Slip) -> Upload:
        """Judge an upload that is whole and keep it; one that was kept before is returned as it is.

        Raises CallError 409 where bytes are missing.
        """
        at = self.shelf.received(number, slip)
        if slip.size is not None and at != slip.size:
            raise CallError(
                409,
                "incomplete",
                Bi(f"只收到 {at} 字节", f"only {at} bytes are there"),
                Bi(f"从 {at} 续传", f"go on at {at}"),
            )
        with self.shelf.alone(number):
            with unit_of_work(self.store) as session:
                row = session.get(Upload, number) or acts.by_key(session, slip.service, slip.key)
            if row is not None:
                return self.same(row, judging.digest_of(self.shelf.source(number, slip)))
            finding = self._judged(number, slip)
            with unit_of_work(self.store) as session:
                row = acts.keep(session, number, slip, finding, self._months)
            return self.same(row, finding.digest)

    def _judged(self, number: str, slip: Slip) -> judging.Finding:
        told = judging.Told(slip.declared, slip.traces)
        return judging.judge(self.shelf.source(number, slip), self.shelf.target(number, slip), number, told, self._by)

    def write_again(self, row: Upload, source: Path, target: Path) -> None:
        """Write the file with the platform's fields once more, from the bytes that were judged, to a place of the caller's.

        Raises InputError where it can not be made again as it is on record.
        """
        told = judging.Told(row.declared, row.traces)
        finding = judging.judge(source, target, row.id, told, self._by)
        if finding.digest != row.digest or finding.passed.digest != row.out_digest:
            target.unlink(missing_ok=True)
            raise InputError(
                Bi(f"{source} 写入传播要素后的文件已清除，且不能照原样重写", f"the file with the platform's fields of {source} is gone and can not be made as it was"),
                Bi("以另一个声明或平台编码重新核验", "check it anew: the platform's code or the file was changed"),
            )  # fmt: skip

    def declare(self, number: str, service: str, person: str | None, *, declared: bool) -> Upload:
        """Take a user's declaration after the upload, and judge the file anew while it is on the disk."""
        with unit_of_work(self.store) as session:
            row = acts.found(session, number, service)
            finding = None
            if row.declared is None:
                try:
                    finding = self._judged(number, replace(self.shelf.slip(number, service), declared=declared))
                except CallError:
                    told = judging.Told(declared=declared, traces=row.traces)
                    finding = judging.judge_again(acts.found_before(row), told)
            return acts.declare(session, row, person, finding, declared=declared)

    def shown(self, number: str, service: str) -> Upload:
        """Take the application's word that the notice is shown."""
        with unit_of_work(self.store) as session:
            return acts.shown(session, acts.found(session, number, service))

    def one(self, number: str, service: str) -> Upload:
        """Return an upload that was judged."""
        with unit_of_work(self.store) as session:
            return acts.found(session, number, service)

    def file(self, number: str, service: str) -> Path:
        """Return the file with the platform's fields; raise CallError 404 or 410 where there is none any more."""
        row = self.one(number, service)
        if row.form == Form.FILE:
            with contextlib.suppress(CallError):  # swept meanwhile
                path = self.shelf.target(number, self.shelf.slip(number, service))
                if path.is_file():
                    return path
        raise CallError(
            410, "no_file", Bi("没有可取的文件", "there is no file to fetch"),
            Bi("文件只保留数小时；未写入文件的见 propagated", "files stay some hours only; `propagated` says where none was written"),
        )  # fmt: skip
