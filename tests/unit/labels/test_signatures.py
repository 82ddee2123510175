"""Signatures of labels: made in the guide's form, verified in both dialects, and never said to prove more than they do."""

from __future__ import annotations

import hashlib
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from hegui.kit.errors import InputError
from hegui.service.labels import files, schema, signatures, sm2
from hegui.service.labels.schema import Label
from hegui.service.labels.signatures import ALGORITHM, Dialect
from tests.unit.labels.test_documents import SAMPLES
from tests.unit.labels.test_files import CODE, LABEL


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> signatures.Key:
    path = tmp_path_factory.mktemp("keys") / "key.json"
    made = signatures.new_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signatures.read_key(path) == made
    with pytest.raises(InputError):
        signatures.new_key(path)
    return made


def code(signature: str, key_value: str, **more: object) -> str:
    sign = {"Type": "DS", "AlgID": ALGORITHM, "Signature": signature, **more}
    parts = [sign, {"Type": "PubKey", "AlgID": ALGORITHM, "KeyValue": key_value}]
    return json.dumps({"SecurityData": {"Type": " TC260PG", "PubSd": parts}})


def test_a_signed_label_is_one_that_may_be_written_and_verifies(key: signatures.Key, tmp_path: Path) -> None:
    label = signatures.signed(LABEL, key)
    assert schema.check(label, first=True) == label
    (found,) = signatures.check(label)
    assert (found.slot, found.valid, found.dialect, found.pinned) == ("ReservedCode1", True, Dialect.MESSAGE, False)
    assert "integrity only" in found.line()
    pins = tmp_path / "pins"
    pins.write_text(f"# ours\n{key.public.hex()}  # a key\n\n")
    (found,) = signatures.check(label, signatures.read_pins(pins))
    assert found.pinned
    (changed,) = signatures.check(replace(label, produce_id="another"))
    assert changed.valid is False
    path = tmp_path / "a.md"
    path.write_text("文")
    files.write(path, path, label)
    read = files.inspect(path).label
    assert read == label


@pytest.mark.parametrize("form", ["der", "plain"])
@pytest.mark.parametrize("public", ["plain", "point", "x", "der"])
@pytest.mark.parametrize("dialect", Dialect)
def test_both_dialects_and_every_form_of_keys_and_signatures(
    key: signatures.Key, dialect: Dialect, public: str, form: str
) -> None:
    text = signatures.message(LABEL)
    raw = sm2.sign(key.private, key.public, text if dialect is Dialect.MESSAGE else hashlib.new("sm3", text).digest())
    der = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004") + key.public
    given = {"plain": key.public, "point": b"\x04" + key.public, "x": b"\x00" + key.public[:32], "der": der}[public]
    label = replace(LABEL, reserved_code1=code((sm2.to_der(raw) if form == "der" else raw).hex(), given.hex()))
    (found,) = signatures.check(label)
    assert (found.valid, found.dialect, found.key) == (True, dialect, signatures.fingerprint(key.public))


@pytest.mark.parametrize(
    ("reserved", "scheme", "valid"),
    [
        ("xRvU+WQIqn==", "opaque", None), ("[1]", "opaque", None), ('{"SecurityData":1}', "opaque", None), (code("zz", "00" * 64), "SM3withSM2", None),
        (code("00" * 64, "00" * 64), "SM3withSM2", False), (code("30" * 9, "11" * 64), "SM3withSM2", None), (code("11" * 64, "ff" * 32), "SM3withSM2", None),
        (code("11" * 64, "11" * 64, AlgID="RSA"), "RSA", None), ('{"Type":"TC260PG","AlgID":"sm3"}', "sm3", None),
        ('{"Type":"TC260PG","PubSD":[1,{"Type":"DS"}]}', "None", None),
    ],
)  # fmt: skip
def test_what_can_not_be_verified_is_said_so_and_breaks_nothing(reserved: str, scheme: str, valid: bool | None) -> None:
    (found,) = signatures.check(replace(LABEL, reserved_code1=reserved))
    assert (found.scheme, found.valid) == (scheme, valid)
    (second,) = signatures.check(replace(LABEL, reserved_code2=reserved))
    assert second.valid is None, "what is signed there is not known"


def test_an_empty_code_holds_no_signature() -> None:
    assert signatures.check(Label.first(CODE, "a")) == ()


@pytest.mark.parametrize("text", ["zz", "00", "11" * 63])
def test_a_list_of_keys_with_a_wrong_line_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pins"
    path.write_text(f"\n{text}\n")
    with pytest.raises(InputError) as caught:
        signatures.read_pins(path)
    assert "2" in caught.value.title.zh


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples of real labels are not beside the repository")
def test_the_signature_of_a_real_writer_verifies() -> None:
    label = files.inspect(SAMPLES / "stepfun_md_1.md").label
    assert label is not None
    first, second = signatures.check(label)
    assert (first.valid, first.dialect) == (True, Dialect.DIGEST)
    assert second.valid is None
