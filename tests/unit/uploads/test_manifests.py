"""Uploads with a C2PA manifest: signed again where the platform has a key, judged and left alone where it has none."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hegui.kit import clock
from hegui.people.facts import Result
from hegui.service.labels import c2pa, files
from hegui.service.labels.schema import Label
from hegui.service.uploads import facts
from hegui.store import unit_of_work
from tests.application import House, open_house
from tests.unit.labels import authority
from tests.unit.labels.authority import Paths
from tests.unit.labels.pictures import CODE, LABEL, OTHER, saved
from tests.unit.uploads.test_uploads import PLAIN, fetched, send
from tests.upstream import ScriptedUpstream

LABELLED = Label.first(CODE, LABEL.produce_id)


@pytest.fixture(scope="module")
def producer(tmp_path_factory: pytest.TempPathFactory) -> Paths:
    return authority.operator(tmp_path_factory.mktemp("producer"))


@pytest.fixture(scope="module")
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[House]:
    """Return a platform that signs."""
    folder = tmp_path_factory.mktemp("platform")
    ours = authority.operator(folder)
    more = {"c2pa_chain": str(ours.chain), "c2pa_key": str(ours.key)}
    with open_house(request, folder, upstream, **more) as opened:
        yield opened


@pytest.fixture(scope="module")
def careless(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, upstream: ScriptedUpstream
) -> Iterator[House]:
    """Return a platform that gives manifests up."""
    with open_house(request, tmp_path_factory.mktemp("careless"), upstream, c2pa_break=True) as opened:
        yield opened


def signed(folder: Path, producer: Paths, kind: str = "PNG") -> bytes:
    path = folder / f"signed.{kind.lower()}"
    path.write_bytes(saved(kind))
    files.write(path, path, LABELLED)
    c2pa.sign(path, path, c2pa.read_credential(producer.chain, producer.key))
    return path.read_bytes()


def manifest(folder: Path, data: bytes, suffix: str) -> c2pa.Manifest | None:
    (folder / f"out.{suffix}").write_bytes(data)
    return c2pa.read(folder / f"out.{suffix}")


def test_without_a_key_an_upload_is_judged_and_not_written(house: House, tmp_path: Path, producer: Paths) -> None:
    told = send(house, signed(tmp_path, producer), name="a.png")
    assert (told["judgement"], told["clause"]) == ("is", "LAB-6.1")
    assert (told["propagated"]["form"], told["propagated"]["file"]) == ("none", None)
    for name in ("c2pa_chain", "c2pa_key", "c2pa_break"):
        assert told["propagated"]["problem"].count(name) == 2, "in Chinese and in English"
    with unit_of_work(house.desk.store) as session:
        found = {fact.obligation: fact for fact in facts.facts(session, clock.now().date(), house.settings)}
    assert found["LAB-6.4"].result is Result.NOT_MET


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_with_a_key_an_upload_goes_on_signed_again(kind: str, platform: House, tmp_path: Path, producer: Paths) -> None:
    suffix = kind.lower()
    told = send(platform, signed(tmp_path, producer, kind), name=f"a.{suffix}")
    assert (told["propagated"]["form"], told["propagated"]["problem"]) == ("file", None)
    after = fetched(platform, told)
    assert files.inspect_bytes(after, f"x.{suffix}").label == LABELLED.propagated(OTHER, told["id"])
    said = manifest(tmp_path, after, suffix)
    assert said is not None
    assert (said.state, said.manifests, said.sources) == ("valid", 2, ()), (
        "the producer's is an ingredient; nothing is claimed"
    )
    assert json.loads(platform.desk.entries("upload.judged")[-1])["c2pa"] == "signed"


def test_an_upload_without_a_manifest_gets_none_of_the_platforms(platform: House, tmp_path: Path) -> None:
    told = send(platform, PLAIN, name="a.png", declared="true")
    assert manifest(tmp_path, fetched(platform, told), "png") is None
    assert json.loads(platform.desk.entries("upload.judged")[-1])["c2pa"] == "none"


def test_a_manifest_without_a_label_is_kept_as_ingredient_of_the_first_label(
    platform: House, tmp_path: Path, producer: Paths
) -> None:
    (tmp_path / "a.png").write_bytes(PLAIN)
    bare = authority.elsewhere(tmp_path / "a.png", c2pa.read_credential(producer.chain, producer.key))
    told = send(platform, bare, name="a.png", declared="true")
    assert (told["verdict"], told["judgement"], told["propagated"]["form"]) == ("absent", "possibly", "file")
    said = manifest(tmp_path, fetched(platform, told), "png")
    assert said is not None
    assert (said.state, said.manifests) == ("valid", 2)


def test_a_manifest_that_is_given_up_is_told(careless: House, tmp_path: Path, producer: Paths) -> None:
    told = send(careless, signed(tmp_path, producer), name="a.png")
    assert told["propagated"]["form"] == "file"
    assert "C2PA" in told["propagated"]["problem"]
    assert "c2pa_break" in told["propagated"]["problem"]
    said = manifest(tmp_path, fetched(careless, told), "png")
    assert said is not None
    assert said.state == "invalid"
    assert json.loads(careless.desk.entries("upload.judged")[-1])["c2pa"] == "broken"
