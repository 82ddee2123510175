"""The frame: sign-in, sessions, CSRF, language, templates, and headers that keep pages to themselves."""

from __future__ import annotations

import hmac
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jinja2
from markupsafe import Markup
from sqlalchemy.exc import IntegrityError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount
from starlette.routing import Route as WebRoute
from starlette.staticfiles import StaticFiles

from hegui.console import chart
from hegui.console.board import FactSource
from hegui.console.forms import FormTooLargeError, read_form
from hegui.console.headers import ALL, Headers
from hegui.evidence.keyring import Keyring
from hegui.evidence.publish import published_path
from hegui.kit import clock, ids
from hegui.kit.errors import HeguiError, NotAllowedError, StoreError
from hegui.kit.pages import Download, Page, Redirect, Route, Visit
from hegui.kit.settings import Settings
from hegui.kit.text import Bi
from hegui.people import sessions, sign_in, throttle
from hegui.people.permits import ROLE_NAMES, Act, Role, permits, require
from hegui.store.unit import Store, unit_of_work

SESSION, BEFORE, LANG = "hegui_session", "hegui_before", "hegui_lang"
_ROOT = Path(__file__).parent
_PUBLIC_FORM = 64 * 1024
_MISSING = HeguiError(Bi("没有这个页面", "there is no such page"), Bi("回到合规总览", "go to the board"))
_LOG = logging.getLogger(__name__)


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
        "gateway": package / "service" / "gateway" / "oversight" / "templates",
        "review": package / "general" / "review" / "templates",
        "people": package / "people" / "templates",
        "evidence": package / "evidence" / "templates",
        "rulebook": package / "general" / "rulebook" / "desk" / "templates",
        "releases": package / "service" / "releases" / "templates",
        "uploads": package / "service" / "uploads" / "templates",
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
            exception_handlers={404: self._not_found, 405: self._not_found, 500: self._broken},
            middleware=[Middleware(Headers)],
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
        # A page that answers a form can not be asked for again; its language link leads to where the form was.
        came = urlsplit(_back(request)) if request.method == "POST" else None
        query = parse_qsl(came.query) if came else request.query_params.multi_items()
        keep, here = [(k, v) for k, v in query if k != "lang"], came.path if came else ""
        values: dict[str, Any] = {
            "lang": lang,
            "t": lambda zh, en: en if lang == "en" else zh,
            "bi": lambda text: text.pick(lang) if isinstance(text, Bi) else text.bi.pick(lang),
            "title": page.title,
            "visitor": visitor,
            "role_name": ROLE_NAMES[Role(visitor.account.role)] if visitor else None,
            "menu": menu,
            "here": request.url.path,
            "other_lang": f"{here}?" + urlencode([*keep, ("lang", "zh" if lang == "en" else "en")]),
            "page": page.values,
        }
        html = self.templates.get_template(page.template).render(**values)
        response = HTMLResponse(html, page.status)
        if request.query_params.get("lang"):
            secure = self.shared.settings.secure_cookies
            response.set_cookie(LANG, lang, max_age=365 * 86400, samesite="lax", httponly=True, secure=secure)
        return response

    def _error(self, request: Request, error: Exception, visitor: sessions.Visitor | None) -> Response:
        """Return the page of an error; a cause that is ours stays in the log, under the number that the page shows."""
        shown = error if isinstance(error, HeguiError) else _internal(error)
        if isinstance(shown, StoreError) and shown.__cause__ is not None:
            shown = _store_away(shown)
        title = Bi("未找到", "Not found") if shown is _MISSING else Bi("未能完成", "Not done")
        values = {"error": shown, "back": _back(request)}
        return self.render(request, Page("console/error.html", title, values, _status(error, shown)), visitor)

    async def _not_found(self, request: Request, error: Exception) -> Response:
        response = self._error(request, _MISSING, None)
        response.status_code = getattr(error, "status_code", 404)
        return response

    async def _broken(self, request: Request, error: Exception) -> Response:
        # What reaches this was not seen by the middleware.
        response = self._error(request, error, None)
        response.headers.update({**ALL, "Cache-Control": "no-store"})
        return response

    # --- pages of rooms -------------------------------------------------------------------------

    def _page(self, path: str) -> Any:  # noqa: ANN401 - a Starlette endpoint
        most = max((route.most for route in self.shared.routes if route.path == path), default=_PUBLIC_FORM)

        async def endpoint(request: Request) -> Response:
            try:
                # What is more than a public form is read from those alone who bring a session.
                form = await read_form(request, most if SESSION in request.cookies else _PUBLIC_FORM)
            except FormTooLargeError as error:
                return self._error(request, error, None)
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
        except Exception as error:  # noqa: BLE001 - what is not for people goes to the log
            return self._error(request, error, visitor)

    def _answer(self, request: Request, made: Page | Redirect | Download, visitor: sessions.Visitor) -> Response:
        if isinstance(made, Page):
            return self.render(request, made, visitor)
        if isinstance(made, Redirect):
            return RedirectResponse(made.to, 303)
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
        return Response(made.data, media_type=made.media, headers=headers)

    # --- signing in and out ---------------------------------------------------------------------

    async def _sign_in(self, request: Request) -> Response:
        if request.method != "POST":
            return self._sign_in_form(request, None)
        try:
            form = await read_form(request, _PUBLIC_FORM)
        except FormTooLargeError as error:
            return self._sign_in_form(request, error)
        return await run_in_threadpool(self._check_sign_in, request, form)

    def _sign_in_form(self, request: Request, error: HeguiError | None, name: str = "") -> Response:
        token = secrets.token_urlsafe(24)
        values = {"error": error, "csrf": token, "name": name}
        status = _status(error, error) if error else 200
        response = self.render(request, Page("console/sign_in.html", Bi("登录", "Sign in"), values, status), None)
        response.set_cookie(BEFORE, token, httponly=True, samesite="strict", secure=self.shared.settings.secure_cookies)
        if isinstance(error, throttle.TooManyError):
            response.headers["Retry-After"] = str(error.seconds)
        return response

    def _check_sign_in(self, request: Request, form: dict[str, str]) -> Response:
        token, name = request.cookies.get(BEFORE, ""), form.get("name", "").strip()
        if not token or not hmac.compare_digest(token.encode(), form.get("csrf", "").encode()):
            return self._sign_in_form(request, sessions.FormExpiredError(), name)
        address = request.client.host if request.client else ""
        origin = throttle.Origin.of(self.shared.keyring.pseudonym, name, address)
        old = request.cookies.get(SESSION, "")
        try:
            cookie = sign_in.sign_in(self.shared.store, origin, name, form.get("password", ""), old)
        except NotAllowedError as error:
            return self._sign_in_form(request, error, name)
        except Exception as error:  # noqa: BLE001 - what is not for people goes to the log
            return self._error(request, error, None)
        response = RedirectResponse("/", 303)
        secure = self.shared.settings.secure_cookies
        response.set_cookie(SESSION, cookie, httponly=True, samesite="strict", secure=secure)
        response.delete_cookie(BEFORE)
        return response

    async def _sign_out(self, request: Request) -> Response:
        try:
            form = await read_form(request, _PUBLIC_FORM)
        except FormTooLargeError as error:
            return self._error(request, error, None)
        return await run_in_threadpool(self._check_sign_out, request, form)

    def _check_sign_out(self, request: Request, form: dict[str, str]) -> Response:
        response = RedirectResponse("/sign-in", 303)
        token = request.cookies.get(SESSION)
        if token is None:  # a form on another site brings no cookie, and must not take it away
            return response
        visitor: sessions.Visitor | None = None
        try:
            with unit_of_work(self.shared.store) as session:
                visitor = sessions.resume(session, token)
                if visitor is not None:
                    sessions.check_csrf(visitor, form.get("csrf", ""))
                    sessions.end(session, token)
        except Exception as error:  # noqa: BLE001 - what is not for people goes to the log
            return self._error(request, error, visitor)
        response.delete_cookie(SESSION)
        return response

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
    if value is not None and not ids.is_id(value):
        raise HeguiError(Bi("编号格式有误", "the number is malformed"), Bi("返回列表", "go back to the list"))


def _status(error: Exception, shown: HeguiError) -> int:
    """Return the HTTP status that says what kind of error it is."""
    kinds: tuple[tuple[type[Exception], int], ...] = (
        (throttle.TooManyError, 429), (NotAllowedError, 403), (FormTooLargeError, 413), (StoreError, 503),
        (IntegrityError, 409),
    )  # fmt: skip
    for kind, status in kinds:
        if isinstance(error, kind):
            return status
    return 404 if shown is _MISSING else 400 if isinstance(error, HeguiError) else 500


def _logged(error: Exception) -> str:
    """Log an error with its traceback, and return the number under which it is found there."""
    number = ids.uuid7()
    _LOG.error("error %s", number, exc_info=error)
    return number


def _internal(error: Exception) -> HeguiError:
    """Log what nobody can act on from a page, and return what a person is told instead."""
    number = _logged(error)
    if isinstance(error, IntegrityError):
        return HeguiError(
            Bi("与同时进行的另一项操作冲突，本次未作任何改动", "in conflict with another act just now; nothing was changed"),
            Bi(f"刷新后重试；错误编号 {number}", f"reload and try again; error number {number}"),
        )  # fmt: skip
    return HeguiError(
        Bi("内部错误，本次未作任何改动", "internal error; nothing was changed"),
        Bi(
            f"重试；仍然失败则请管理员在日志中查找错误编号 {number}",
            f"try again; if it fails again, ask an administrator to find the error number {number} in the log",
        ),
    )


def _store_away(error: StoreError) -> StoreError:
    """Log a failure of the database, whose own words name hosts and statements, and return what a page may say."""
    number = _logged(error)
    return StoreError(
        Bi("数据库暂时无法读写，本次未作任何改动", "the database can not be read or written now; nothing was changed"),
        Bi(
            f"稍后重试；请管理员查看数据库与磁盘，日志中的错误编号 {number}",
            f"try again later; an administrator looks at database and disk, and at the error number {number} in the log",
        ),
    )


def _back(request: Request) -> str:
    """Return the page to go back to: where the visitor came from if that was one of ours, else the board."""
    came = urlsplit(request.headers.get("referer", ""))
    if came.netloc != request.headers.get("host") or not came.path.startswith("/") or came.path.startswith("//"):
        return "/"
    return came.path + (f"?{came.query}" if came.query else "")
