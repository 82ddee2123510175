"""Upstreams: any OpenAI-compatible base URL, or the scripted demo; both give whole bodies or events."""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

import orjson

from hegui.kit import ids
from hegui.kit.errors import SettingsError
from hegui.kit.multipart import form_of
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.service.gateway.client import Client, Connection, TooLargeError
from hegui.service.gateway.protocol import LONGEST_EVENT, ApiError, EventReader, Json, ProtocolError

_OK = 200
_LONGEST_BODY = 32 * 1024 * 1024
_WORDS = 1024 * 1024
"""What may stand beside one file of the largest size in a whole answer."""
_CLIENT_ERRORS = frozenset({400, 404, 408, 413, 422, 429})
_CHAT = "/chat/completions"


class UpstreamError(Exception):
    """The upstream could not be reached, or said no; `api` is what the client is told."""

    def __init__(self, api: ApiError, detail: str) -> None:
        super().__init__(detail)
        self.api = api


class Events(Protocol):
    """A streamed answer, being read."""

    async def next(self) -> list[bytes]:
        """Return the data of the events that came together, empty at the end; raise UpstreamError."""
        ...

    def close(self) -> None:
        """Give back what is held; an answer that has not ended is cancelled."""
        ...


class Pieces(Protocol):
    """The body of a reply, as it comes."""

    async def next(self) -> bytes:
        """Return what has come, empty at the end; raise UpstreamError."""
        ...

    def close(self) -> None:
        """Give back what is held; a body that has not ended is cancelled."""
        ...


class Upstream(Protocol):
    """A model behind the gateway."""

    name: str

    async def complete(self, body: Json) -> bytes:
        """Return the body of a whole completion; raise UpstreamError."""
        ...

    async def stream(self, body: Json) -> Events:
        """Return once the upstream has begun to answer; raise UpstreamError."""
        ...

    async def ask(self, path: str, body: Json, most: int) -> bytes:
        """Return the whole body, of so many bytes at most, of what another path answers; raise UpstreamError."""
        ...

    async def open(self, path: str, body: Json) -> Pieces:
        """Return once another path has begun to answer; raise UpstreamError."""
        ...

    async def send(self, path: str, fields: dict[str, str]) -> bytes:
        """Return the whole body that another path answers to a form in parts; raise UpstreamError."""
        ...

    async def get(self, path: str, most: int) -> bytes:
        """Return the whole body, of so many bytes at most, of what stands at another path; raise UpstreamError."""
        ...

    async def models(self) -> Json:
        """Return the list of models; raise UpstreamError."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...


def _failed(status: int, body: bytes) -> UpstreamError:
    """Return the error for a reply that is not 2xx; its text stays with the operator."""
    detail = body[:2000].decode("utf-8", "replace")
    if status in _CLIENT_ERRORS:
        kind = "rate_limit_error" if status == 429 else "invalid_request_error"  # noqa: PLR2004 - HTTP
        message = f"上游拒绝了请求（{status}），请检查模型名和参数 / the upstream refused the request ({status}); check model and options"
        return UpstreamError(ApiError(status, "upstream_refused", message, kind=kind), detail)
    message = f"上游出错（{status}），请稍后重试 / the upstream failed ({status}); try again later"
    return UpstreamError(ApiError(502, "upstream_error", message), detail)


def _written(body: Json) -> bytes:
    """Return a request's body; raise UpstreamError for what is nested too deep to be written."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        api = ApiError(
            400, "invalid_json", "请求嵌套过深，请减少层数 / the request is nested too deep; use fewer levels"
        )
        raise UpstreamError(api, str(error)) from error


def unreachable(error: Exception) -> UpstreamError:
    """Return the error for an upstream that did not answer, broke off, or said more than is taken."""
    if isinstance(error, TooLargeError):
        limit = error.limit >> 20
        api = ApiError(
            502, "upstream_too_large",
            f"上游的回答超过 {limit} MiB，未接收；请减少图片或缩小尺寸，或让上游以地址给出图片；运营方可加大 media_megabytes / the upstream's answer is over "
            f"{limit} MiB and was not taken; ask for fewer or smaller pictures, or have the upstream give them by URL; the operator can raise "
            "media_megabytes",
        )  # fmt: skip
    elif isinstance(error, TimeoutError):
        api = ApiError(
            504, "upstream_timeout", "上游超时，请稍后重试 / the upstream did not answer in time; try again later"
        )
    else:
        api = ApiError(
            502, "upstream_unreachable", "无法连接上游，请稍后重试 / the upstream can not be reached; try again later"
        )
    return UpstreamError(api, f"{type(error).__name__}: {error}")


_TOO_LONG = ApiError(
    502, "upstream_too_large",
    f"上游的一个事件超过 {LONGEST_EVENT >> 20} MiB，未接收；请不用 stream，或让上游以地址给出文件 / an event of the upstream is over "
    f"{LONGEST_EVENT >> 20} MiB and was not taken; leave `stream` out, or have the upstream give files by URL",
)  # fmt: skip


class HttpEvents:
    """The events of a streamed reply."""

    __slots__ = ("_client", "_closed", "_connection", "_ended", "_reader")

    def __init__(self, client: Client, connection: Connection) -> None:
        self._client = client
        self._connection = connection
        self._reader = EventReader()
        self._ended = self._closed = False

    async def next(self) -> list[bytes]:
        """Return the data of the events that came together, empty at the end; raise UpstreamError."""
        while not self._ended:
            try:
                piece = await self._connection.piece()
            except OSError as error:
                raise unreachable(error) from error
            if piece:
                try:
                    events = self._reader.feed(piece)
                except ProtocolError as error:
                    raise UpstreamError(_TOO_LONG, str(error)) from error
                if events:
                    return events
                continue
            self._ended = True
            last = self._reader.rest()
            if last is not None:
                return [last]
        return []

    def close(self) -> None:
        """Give the connection back; closing twice does no harm."""
        if not self._closed:
            self._closed = self._ended = True
            self._client.release(self._connection)


class HttpPieces:
    """The body of a reply, as it comes."""

    __slots__ = ("_client", "_closed", "_connection")

    def __init__(self, client: Client, connection: Connection) -> None:
        self._client = client
        self._connection = connection
        self._closed = False

    async def next(self) -> bytes:
        """Return what has come, empty at the end; raise UpstreamError."""
        try:
            return await self._connection.piece()
        except OSError as error:
            raise unreachable(error) from error

    def close(self) -> None:
        """Give the connection back; closing twice does no harm."""
        if not self._closed:
            self._closed = True
            self._client.release(self._connection)


class HttpUpstream:
    """An OpenAI-compatible service over HTTP."""

    def __init__(self, settings: Settings) -> None:
        base = settings.upstream.rstrip("/")
        self.name = base
        self._most = max(_LONGEST_BODY, settings.media_megabytes * 1024 * 1024 * 4 // 3 + _WORDS)
        headers = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "hegui"}
        if settings.upstream_key:
            headers["Authorization"] = f"Bearer {settings.upstream_key}"
        self._mark = f"hegui-{ids.uuid7()}"
        forms = {**headers, "Content-Type": f"multipart/form-data; boundary={self._mark}"}
        self._client, self._forms = (
            Client(
                base, lines, connect_seconds=settings.upstream_connect_seconds, idle_seconds=settings.upstream_idle_seconds
            )
            for lines in (headers, forms)
        )  # fmt: skip

    async def _ask(self, method: str, path: str, body: bytes = b"", most: int = _LONGEST_BODY) -> bytes:
        """Return the whole body of a reply 200; raise UpstreamError."""
        return await self._whole(self._client, method, path, body, most)

    @staticmethod
    async def _whole(client: Client, method: str, path: str, body: bytes, most: int) -> bytes:
        try:
            reply = await client.request(method, path, body)
            try:
                status, data = reply.status, await reply.body(most)
            finally:
                client.release(reply)
        except OSError as error:
            raise unreachable(error) from error
        if status != _OK:
            raise _failed(status, data)
        return data

    async def complete(self, body: Json) -> bytes:
        """Return the body of a whole completion; raise UpstreamError."""
        return await self._ask("POST", _CHAT, _written(body), self._most)

    async def ask(self, path: str, body: Json, most: int) -> bytes:
        """Return the whole body of what another path answers; raise UpstreamError."""
        return await self._ask("POST", path, _written(body), most)

    async def send(self, path: str, fields: dict[str, str]) -> bytes:
        """Return the whole body that another path answers to a form in parts; raise UpstreamError."""
        return await self._whole(self._forms, "POST", path, form_of(fields, self._mark.encode()), _LONGEST_BODY)

    async def get(self, path: str, most: int) -> bytes:
        """Return the whole body of what stands at another path; raise UpstreamError."""
        return await self._ask("GET", path, most=most)

    async def stream(self, body: Json) -> HttpEvents:
        """Return once the upstream has begun to answer; raise UpstreamError."""
        return HttpEvents(self._client, await self._begun(_CHAT, body))

    async def open(self, path: str, body: Json) -> HttpPieces:
        """Return once another path has begun to answer; raise UpstreamError."""
        return HttpPieces(self._client, await self._begun(path, body))

    async def _begun(self, path: str, body: Json) -> Connection:
        data = _written(body)
        try:
            reply = await self._client.request("POST", path, data)
            if reply.status != _OK:
                try:
                    raise _failed(reply.status, await reply.body(_LONGEST_BODY))
                finally:
                    self._client.release(reply)
        except OSError as error:
            raise unreachable(error) from error
        return reply

    async def models(self) -> Json:
        """Return the upstream's list of models; raise UpstreamError."""
        data = await self._ask("GET", "/models")
        try:
            value: Any = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise unreachable(error) from error
        return value if isinstance(value, dict) else {"object": "list", "data": []}

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._forms.close()


def check_upstream(settings: Settings) -> None:
    """Raise SettingsError unless the settings name an upstream."""
    if settings.upstream == "demo":
        return
    parts = _address(settings.upstream)
    if parts.username is not None:
        raise SettingsError(
            Bi("上游地址里不能有账号", "the upstream's address must not hold credentials"),
            Bi("用设置 upstream_key 给出密钥", "give the key by the setting `upstream_key`"),
        )
    if not settings.upstream_key.isprintable():
        raise SettingsError(
            Bi(
                "上游密钥含控制字符（常见的是末尾换行）",
                "the upstream's key holds a control character, such as a line end",
            ),
            Bi("去掉后重试", "take it out and try again"),
        )


def _address(text: str) -> SplitResult:
    """Return the parts of an upstream's address; raise SettingsError for one that can not be used."""
    try:
        parts = urlsplit(text)
        plain = parts.scheme in {"http", "https"} and not (parts.query or parts.fragment) and parts.port != 0
        if plain and parts.hostname and text.isprintable() and " " not in text:
            parts.hostname.encode("idna")
            return parts
    except ValueError:
        pass
    raise SettingsError(
        Bi(f"上游 {text} 无法识别", f"the upstream {text} is not understood"),
        Bi(
            "写 demo，或 http(s):// 开头的 OpenAI 兼容地址，不带参数",
            "write `demo`, or an OpenAI-compatible http(s):// base URL without a query",
        ),
    )


def open_upstream(settings: Settings) -> Upstream:
    """Return the upstream that the settings name; raise SettingsError."""
    check_upstream(settings)
    if settings.upstream == "demo":
        from hegui.service.gateway.demo import DemoUpstream  # noqa: PLC0415 - seldom in production

        return DemoUpstream()
    return HttpUpstream(settings)
