"""Headers on every answer of the console: pages load nothing from elsewhere, and nobody else keeps or frames them."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALL = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; frame-ancestors 'none';"
    " form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
"""Headers of every answer; the browser enforces them."""
_PUBLIC = "/static/"


class Headers:
    """Puts the headers on every answer, redirects and errors too; only static files may be kept by a browser."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and complete its answer."""
        keep = scope.get("path", "").startswith(_PUBLIC)

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALL.items():
                    headers[name] = value
                if not keep:
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self.app(scope, receive, completed)
