"""The frame: sign-in, sessions, CSRF, language, templates, and headers that keep pages to themselves."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jinja2
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount
from starlette.routing import Route as WebRoute
from starlette.staticfiles import StaticFiles

from hegui.console import chart
from hegui.console.board import FactSource
from hegui.evidence.keyring import Keyring
from hegui.evidence.publish import published_path
from hegui.kit import clock
from hegui.kit.errors import HeguiError, NotAllowedError, StoreError
from hegui.kit.pages import Download, Page, Redirect, Route, Visit
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.people import accounts, sessions
from hegui.people.permits import ROLE_NAMES, Act, Role, permits, require
from hegui.store.unit import Store, unit_of_work

SESSION, BEFORE, LANG = "hegui_session", "hegui_before", "hegui_lang"
_ROOT = Path(__file__).parent
_PUBLIC_FORM = 64 * 1024
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Shared:
    """What every page of the process shares."""

    settings: Settings
    store: Store
    keyring: Keyring
    fact_sources: Sequence[FactSource]
    routes: Sequence[Route]


def _when(moment: datetime) -> str:
    return moment.astimezone(clock.CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _templates() -> jinja2.Environment:
    package = _ROOT.parent
    folders = {
        "console": _ROOT / "templates",
        "gateway": package / "service" / "gateway" / "templates",
        "people": package / "people" / "templates",
        "evidence": package / "evidence" / "templates",
    }
    loader = jinja2.PrefixLoader({name: jinja2.FileSystemLoader(path) for name, path in folders.items()})
    environment = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["when"] = _when
    environment.globals["chart"] = lambda bins, lang: Markup(chart.draw(bins, lang))  # noqa: S704 - escaped where drawn
    return environment


class Frame:
    """Turns the routes of rooms into a web application."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.templates = _templates()

    def app(self) -> Starlette:
        """Return the application."""
        paths = dict.fromkeys(route.path for route in self.shared.routes)
        return Starlette(
            routes=[
                WebRoute("/sign-in", self._sign_in, methods=["GET", "POST"]),
                WebRoute("/sign-out", self._sign_out, methods=["POST"]),
                WebRoute("/checkpoint", self._checkpoint),
                WebRoute("/checkpoint/vkey", self._vkey),
                WebRoute("/healthz", lambda _: PlainTextResponse("ok")),
                *(WebRoute(path, self._page(path), methods=self._methods(path)) for path in paths),
                Mount("/static", StaticFiles(directory=_ROOT / "static")),
            ],
            exception_handlers={404: self._not_found},
        )

    def _methods(self, path: str) -> list[str]:
        return [method for route in self.shared.routes if route.path == path for method in route.methods]

    # --- language and rendering -----------------------------------------------------------------

    @staticmethod
    def _lang(request: Request) -> str:
        wanted = request.query_params.get("lang") or request.cookies.get(LANG) or "zh"
        return "en" if wanted.startswith("en") else "zh"

    def render(self, request: Request, page: Page, visitor: sessions.Visitor | None) -> Response:
        """Return a page as HTML in the visitor's language."""
        lang = self._lang(request)
        menu = []
        if visitor is not None:
            role = Role(visitor.account.role)
            menu = [r for r in self.shared.routes if r.menu is not None and permits(role, Act(r.act))]
        keep = [(k, v) for k, v in request.query_params.multi_items() if k != "lang"]
        values: dict[str, Any] = {
            "lang": lang,
            "t": lambda zh, en: en if lang == "en" else zh,
            "bi": lambda text: text.pick(lang) if isinstance(text, Bi) else text.bi.pick(lang),
            "title": page.title,
            "visitor": visitor,
            "role_name": ROLE_NAMES[Role(visitor.account.role)] if visitor else None,
            "menu": menu,
            "here": request.url.path,
            "other_lang": "?" + urlencode([*keep, ("lang", "zh" if lang == "en" else "en")]),
            "page": page.values,
        }
        html = self.templates.get_template(page.template).render(**values)
        response = HTMLResponse(html, page.status, headers=_HEADERS)
        if request.query_params.get("lang"):
            response.set_cookie(LANG, lang, max_age=365 * 86400, samesite="lax", httponly=True)
        return response

    def _error(self, request: Request, error: HeguiError, visitor: sessions.Visitor | None) -> Response:
        status = 403 if isinstance(error, NotAllowedError) else 503 if isinstance(error, StoreError) else 400
        values = {"error": error, "back": request.headers.get("referer", "/")}
        return self.render(request, Page("console/error.html", Bi("未能完成", "Not done"), values, status), visitor)

    async def _not_found(self, request: Request, _error: Exception) -> Response:
        missing = HeguiError(Bi("没有这个页面", "there is no such page"), Bi("回到合规总览", "go to the board"))
        values = {"error": missing, "back": "/"}
        return self.render(request, Page("console/error.html", Bi("未找到", "Not found"), values, 404), None)

    # --- pages of rooms -------------------------------------------------------------------------

    def _page(self, path: str) -> Any:  # noqa: ANN401 - a Starlette endpoint
        async def endpoint(request: Request) -> Response:
            form = await _form(request)
            return await run_in_threadpool(self._serve, request, path, form)

        return endpoint

    def _serve(self, request: Request, path: str, form: dict[str, str]) -> Response:
        visitor: sessions.Visitor | None = None
        method = "GET" if request.method == "HEAD" else request.method
        route = next(r for r in self.shared.routes if r.path == path and method in r.methods)
        try:
            _check_id(request.path_params.get("id"))
            with unit_of_work(self.shared.store) as session:
                visitor = sessions.resume(session, request.cookies.get(SESSION, ""))
                if visitor is None:
                    return RedirectResponse("/sign-in", 303)
                if visitor.account.must_change and path != "/password":
                    return RedirectResponse("/password", 303)
                require(Role(visitor.account.role), Act(route.act))
                if method == "POST":
                    sessions.check_csrf(visitor, form.get("csrf", ""))
                visit = Visit(
                    session, visitor.account, request.path_params, request.query_params, form,
                    self._lang(request), self.shared,
                )  # fmt: skip
                made = route.view(visit)
                session.flush()
                return self._answer(request, made, visitor)
        except HeguiError as error:
            return self._error(request, error, visitor)

    def _answer(self, request: Request, made: Page | Redirect | Download, visitor: sessions.Visitor) -> Response:
        if isinstance(made, Page):
            return self.render(request, made, visitor)
        if isinstance(made, Redirect):
            return RedirectResponse(made.to, 303)
        headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="{made.name}"'}
        return Response(made.data, media_type=made.media, headers=headers)

    # --- signing in and out ---------------------------------------------------------------------

    async def _sign_in(self, request: Request) -> Response:
        if request.method == "GET":
            return self._sign_in_form(request, None)
        form = await _form(request)
        return await run_in_threadpool(self._check_sign_in, request, form)

    def _sign_in_form(self, request: Request, error: HeguiError | None) -> Response:
        token = secrets.token_urlsafe(24)
        page = Page(
            "console/sign_in.html", Bi("登录", "Sign in"), {"error": error, "csrf": token}, 403 if error else 200
        )
        response = self.render(request, page, None)
        response.set_cookie(BEFORE, token, httponly=True, samesite="strict", secure=self.shared.settings.secure_cookies)
        return response

    def _check_sign_in(self, request: Request, form: dict[str, str]) -> Response:
        token = request.cookies.get(BEFORE, "")
        if not token or not hmac.compare_digest(token.encode(), form.get("csrf", "").encode()):
            return self._sign_in_form(request, accounts.SignInError())
        try:
            with unit_of_work(self.shared.store) as session:
                account = accounts.check_sign_in(session, form.get("name", ""), form.get("password", ""))
                cookie = sessions.begin(session, account) if account else ""
        except HeguiError as error:
            return self._sign_in_form(request, error)
        if account is None:
            return self._sign_in_form(request, accounts.SignInError())
        response = RedirectResponse("/", 303)
        secure = self.shared.settings.secure_cookies
        response.set_cookie(SESSION, cookie, httponly=True, samesite="strict", secure=secure)
        response.delete_cookie(BEFORE)
        return response

    async def _sign_out(self, request: Request) -> Response:
        form = await _form(request)

        def out() -> Response:
            with unit_of_work(self.shared.store) as session:
                visitor = sessions.resume(session, request.cookies.get(SESSION, ""))
                if visitor is not None and hmac.compare_digest(visitor.csrf.encode(), form.get("csrf", "").encode()):
                    sessions.end(session, request.cookies[SESSION])
            response = RedirectResponse("/sign-in", 303)
            response.delete_cookie(SESSION)
            return response

        return await run_in_threadpool(out)

    # --- public ---------------------------------------------------------------------------------

    def _checkpoint(self, _request: Request) -> Response:
        path = published_path(self.shared.settings.data)
        if not path.exists():
            return PlainTextResponse("no checkpoint yet\n", 404)
        return PlainTextResponse(path.read_text("utf-8"))

    def _vkey(self, _request: Request) -> Response:
        return PlainTextResponse(self.shared.keyring.signer.vkey + "\n")


def _check_id(value: str | None) -> None:
    """Raise HeguiError for a path that names something which can not be there."""
    if value is not None and not _ID.fullmatch(value):
        raise HeguiError(Bi("编号格式有误", "the number is malformed"), Bi("返回列表", "go back to the list"))


async def _form(request: Request) -> dict[str, str]:
    """Return a small URL-encoded form; anything else is an empty one."""
    if request.method != "POST":
        return {}
    raw = b""
    async for piece in request.stream():
        raw += piece
        if len(raw) > _PUBLIC_FORM:
            return {}
    text = raw.decode("utf-8", "replace")
    return {key: value.replace("\0", "") for key, value in parse_qsl(text, keep_blank_values=True)}
