"""Fetching what a model's answer names: from the upstream and the hosts that the operator lists, and from nowhere else."""

from __future__ import annotations

import asyncio
import socket

import pytest

from hegui.kit.errors import SettingsError
from hegui.kit.settings import Settings
from hegui.service.gateway.media.fetching import Fetcher, FetchError, allowed_places
from tests.upstream import Reply, ScriptedUpstream


def fetched(settings: Settings, url: str) -> bytes:
    return asyncio.run(Fetcher(settings).fetch(url))


def test_a_file_of_the_upstream_is_fetched_without_the_upstreams_key(upstream: ScriptedUpstream) -> None:
    upstream.files["one.png"] = Reply(raw=b"picture")
    settings = Settings(upstream=upstream.url, upstream_key="sk-secret")
    assert fetched(settings, upstream.at("one.png") + "?sig=a%20b&x=1") == b"picture"
    name, headers = upstream.fetched[-1]
    assert name == "one.png"
    assert not any("sk-secret" in value for value in headers.values())


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x", "http://localhost:{port}/files/one.png", "http://169.254.169.254/latest/meta-data",
        "http://[::1]:{port}/files/one.png", "http://127.0.0.1.:{port}/x", "http://2130706433:{port}/x",
        "ftp://127.0.0.1:{port}/x", "file:///etc/passwd", "//127.0.0.1:{port}/x", "http:/x", "http://", "x",
        "http://user:secret@127.0.0.1:{port}/x", "http://127.0.0.1:{port}@evil.example/x", "http://evil.example\\@127.0.0.1:{port}/x",
        "http://127.0.0.1:{port}/x\r\nX-Evil: 1", "http://127.0.0.1:{port}/ x", "http://127.0.0.1:99999/x", "http://127.0.0.1:0/x",
        "http://１２７.0.0.1:{port}/x", "http://127.0.0.1:{port}/" + "x" * 9000,
    ],
)  # fmt: skip
def test_no_other_address_is_asked(url: str, upstream: ScriptedUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = len(upstream.fetched)
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *parts, **_: asked.append(parts))
    with pytest.raises(FetchError):
        fetched(Settings(upstream=upstream.url), url.replace("{port}", str(upstream.port)))
    assert len(upstream.fetched) == seen
    assert not asked


def test_a_redirect_is_not_followed(upstream: ScriptedUpstream) -> None:
    upstream.files["away"] = Reply(status=302, raw=b"", headers={"Location": upstream.at("target")})
    upstream.files["target"] = Reply(raw=b"secret")
    with pytest.raises(FetchError, match="302"):
        fetched(Settings(upstream=upstream.url), upstream.at("away"))
    assert upstream.fetched[-1][0] == "away"


def test_a_file_over_the_limit_is_broken_off(upstream: ScriptedUpstream) -> None:
    upstream.files["large"] = Reply(raw=bytes((1 << 20) + 1))
    with pytest.raises(OSError, match="over"):
        fetched(Settings(upstream=upstream.url, media_megabytes=1), upstream.at("large"))
    assert len(fetched(Settings(upstream=upstream.url, media_megabytes=2), upstream.at("large"))) == (1 << 20) + 1


def test_a_file_that_does_not_come_ends_in_time(upstream: ScriptedUpstream) -> None:
    upstream.files["slow"] = Reply(raw=b"x", wait=30)
    with pytest.raises(TimeoutError):
        fetched(Settings(upstream=upstream.url, media_seconds=1), upstream.at("slow"))


def test_hosts_are_those_that_the_operator_names() -> None:
    found = allowed_places(Settings(upstream="https://Model.example/v1", media_hosts="cdn.example, minio.local:9000,"))
    assert found == {("model.example", 443), ("cdn.example", 80), ("cdn.example", 443), ("minio.local", 9000)}
    assert allowed_places(Settings()) == frozenset()
    for wrong in ("http://cdn.example", "cdn.example/x", "a b", "me@cdn.example", "cdn.example:x", "例.中国"):
        with pytest.raises(SettingsError):
            allowed_places(Settings(media_hosts=wrong))
