"""The gallery's page as an aiohttp application: every route, and what stands before all of them."""

import base64
import logging
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.common.clock import Clock
from bot.web.access import Access
from bot.web.answers import SECURITY_HEADERS, Pieces, answer, etag_of, send
from bot.web.asked import Asked
from bot.web.downloads import DOWNLOAD_COST, Downloads
from bot.web.languages import accepted
from bot.web.oauth import WAIT_S, OAuth, SignInFailed
from bot.web.rendering import Pages, Static
from bot.web.sessions import Sessions
from bot.web.shown import Shown
from bot.web.slots import Slots
from bot.web.throttle import Throttle, client_address, network
from bot.web.thumbs import ThumbnailMaker, TooBusyError
from data.files.picture_files import PictureFiles
from data.files.thumbnails import WIDTHS
from data.people.web_sessions import WebSession
from data.shipped.text import speaking
from pipeline.describe import describe
from pipeline.errors import InputError, RefusedError, StorageError
from pipeline.rating import Rating

_log = logging.getLogger(__name__)

_RETRY_S: Final = 4.0
PAGE_COST: Final = 5.0  # against a picture's 1
SIGN_IN_COST: Final = 30.0  # it asks Discord, which counts how often: see `bot.web.oauth`
_HIDDEN: Final = frozenset(
    {"prompt", "negative_prompt", "pictures", "visibility", "typed_prompt", "typed_negative",
     "init_picture"}
)  # fmt: skip
"""Of `describe`: shown elsewhere on the page, or nobody else's business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who looks."""

    session: WebSession | None
    open_guilds: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the site is made of."""

    clock: Clock
    shown: Shown
    access: Access
    sessions: Sessions
    oauth: OAuth
    thumbs: ThumbnailMaker
    downloads: Downloads
    files: PictureFiles
    pages: Pages
    static: Static
    throttle: Throttle
    requests: Slots
    proxies: int
    origin: str


class Site:
    """The routes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=4096)
        seen: dict[str, Handler] = {
            "/": self.wall,
            "/p/{id}": self.picture,
            "/i/{id}/{name}": self.file,
            "/static/{name}": self.static,
            "/robots.txt": self.robots,
            "/sign-in": self.sign_in,
            "/signed-in": self.signed_in,
            "/sessions": self.sessions,
        }
        routes = [(method, *route) for route in seen.items() for method in ("GET", "HEAD")]
        routes += [
            ("GET", "/collection/{word}", self._parts.downloads.answer),
            ("POST", "/sign-out", self.sign_out),
            ("POST", "/sessions/end", self.end_session),
            ("POST", "/sessions/end/{key}", self.end_session),
            ("*", "/{path:.*}", self.unknown),
        ]
        for method, path, handler in routes:
            # aiohttp would answer to what it can't fulfil by itself, before `_guard`.
            app.router.add_route(method, path, handler, expect_handler=_expect_nothing)
        return app

    # -- before and after every route

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        address = network(self._address(request))
        if not self._parts.requests.take(address):
            with speaking(accepted(request.headers.get("Accept-Language", ""))):
                return await self._sent(request, self._busy(_RETRY_S))
        try:
            return await self._answered(request, handler, address)
        finally:
            self._parts.requests.give_back(address)

    async def _answered(
        self, request: web.Request, handler: Handler, address: str
    ) -> web.StreamResponse:
        with speaking(accepted(request.headers.get("Accept-Language", ""))):
            wait_s = self._parts.throttle.wait_s(
                address, cost=_cost(request.path), now=self._parts.clock.monotonic()
            )
            if wait_s > 0:
                response: web.StreamResponse = self._busy(wait_s)
            else:
                response = await self._handled(request, handler)
        return await self._sent(request, response)

    async def _sent(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if not response.prepared:
            response.headers.update(SECURITY_HEADERS)
            if self._parts.origin.startswith("https:"):
                response.headers["Strict-Transport-Security"] = "max-age=31536000"
        await send(request, response)
        return response

    async def _handled(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPRedirection as redirection:
            return redirection
        except web.HTTPException as error:
            known = {403: "forbidden", 404: "missing"}
            response = self._trouble(known.get(error.status, "wrong"), error.status)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except RefusedError:  # of a link to a collection
            return self._trouble("empty", 404)
        except InputError:
            return self._trouble("wrong", 400)
        except TooBusyError:
            response = self._trouble("busy", 503)
            response.headers["Retry-After"] = "5"
            return response
        except StorageError:
            _log.exception("The page could not read what is kept")
            return self._trouble("broken", 503)
        except Exception:  # noqa: BLE001 - whatever it is, others go on reading
            _log.exception("The page failed at %s", _route(request))
            return self._trouble("broken", 500)

    def _address(self, request: web.Request) -> str:
        return client_address(
            request.remote or "",
            request.headers.getall("X-Forwarded-For", []),
            proxies=self._parts.proxies,
        )

    def _busy(self, wait_s: float) -> web.Response:
        response = self._trouble("busy", 429)
        response.headers["Retry-After"] = str(int(wait_s) + 1)
        return response

    def _trouble(self, what: str, status: int) -> web.Response:
        body = self._parts.pages.render("trouble.html", what=what, viewer=None, asked=Asked())
        return web.Response(
            body=body, status=status, content_type="text/html", charset="utf-8",
            headers={"Cache-Control": "no-store"},
        )  # fmt: skip

    async def _viewer(self, request: web.Request) -> Viewer:
        session = await self._parts.sessions.get(request)
        open_guilds = await self._parts.access.open_guilds(session)
        return Viewer(session=session, open_guilds=open_guilds)

    # -- pages

    async def wall(self, request: web.Request) -> web.Response:
        """Pictures, as many as a page holds."""
        asked, viewer = Asked.read(request.query), await self._viewer(request)
        wall = await self._parts.shown.wall(asked, viewer.open_guilds)
        return self._page(
            request, "wall.html", viewer=viewer, asked=asked, wall=wall,
            servers=await self._parts.shown.servers(), ratings=list(Rating),
        )  # fmt: skip

    async def picture(self, request: web.Request) -> web.Response:
        """One picture with everything about it."""
        asked, viewer = Asked.read(request.query), await self._viewer(request)
        found = await self._parts.shown.picture(request.match_info["id"], asked, viewer.open_guilds)
        if found is None:
            raise web.HTTPNotFound
        settings = [
            (label, value)
            for label, value in describe(found.job.request)
            if label not in _HIDDEN and label != "seed"
        ]
        settings.append(("seed", str(found.picture.seed)))
        return self._page(
            request, "picture.html", viewer=viewer, asked=asked, found=found, settings=settings
        )

    def _page(self, request: web.Request, name: str, **values: Any) -> web.Response:
        values["here"] = request.rel_url.raw_path_qs
        values["may_sign_in"] = self._parts.oauth.possible
        body = self._parts.pages.render(name, **values)
        return answer(request, body, kind="text/html", keeping="page")

    # -- files

    async def file(self, request: web.Request) -> web.StreamResponse:
        """`320.webp` and the like, or `original.png`."""
        name = request.match_info["name"]
        width = int(name.removesuffix(".webp")) if name in _COPIES else None
        if width is None and name != "original.png":
            raise web.HTTPNotFound
        viewer = await self._viewer(request) if self._may_be_signed_in(request) else _NOBODY
        entry = await self._parts.shown.file(request.match_info["id"], viewer.open_guilds)
        if entry is None:
            raise web.HTTPNotFound
        try:
            body: bytes | Pieces
            if width is None:
                body = await Pieces.of(self._parts.files, entry.content_hash)
            else:
                body = await self._parts.thumbs.get(entry.content_hash, width)
        except StorageError as error:
            raise web.HTTPNotFound from error
        response = answer(
            request,
            body,
            kind="image/png" if width is None else "image/webp",
            keeping="public" if entry.rating == Rating.SAFE else "private",
            etag=etag_of(entry.content_hash, name),
        )
        if width is None:
            response.headers["Content-Disposition"] = f'attachment; filename="ekaki-{entry.id}.png"'
        return response

    def _may_be_signed_in(self, request: web.Request) -> bool:
        return self._parts.sessions.cookie in request.cookies

    async def static(self, request: web.Request) -> web.Response:
        """Style, script and icon."""
        found = self._parts.static.files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        body, kind = found
        return answer(request, body, kind=kind, keeping="for_ever")

    async def robots(self, request: web.Request) -> web.Response:
        """Search engines may list pictures, not every combination of filters."""
        body = b"User-agent: *\nAllow: /$\nAllow: /p/\nAllow: /i/\nDisallow: /\n"
        return answer(request, body, kind="text/plain", keeping="public")

    async def unknown(self, request: web.Request) -> web.Response:
        """What is no address of the page, or takes other methods."""
        taken = [await route.resolve(request) for route in request.app.router.resources()]
        methods = {method for _, found in taken for method in found if method != "*"}
        raise web.HTTPMethodNotAllowed(request.method, methods) if methods else web.HTTPNotFound

    # -- signing in and out

    async def sign_in(self, request: web.Request) -> web.Response:
        """To Discord's page."""
        if not self._parts.oauth.possible:
            raise web.HTTPNotFound
        word, address = self._parts.oauth.begin()
        response = _see_other(address)
        back = base64.urlsafe_b64encode(local(request.query.get("next", "/")).encode()).decode()
        kept = f"{word}.{back.rstrip('=')}"
        self._parts.sessions.set_cookie(
            response, self._parts.sessions.sign_in_cookie, kept, max_age=WAIT_S
        )
        return response

    async def signed_in(self, request: web.Request) -> web.Response:
        """Back from Discord's page, with a code or without."""
        word, _, kept = request.cookies.get(self._parts.sessions.sign_in_cookie, "").partition(".")
        back = _back(kept)
        if "code" not in request.query:  # they said no
            response = _see_other(back)
            self._parts.sessions.set_cookie(
                response, self._parts.sessions.sign_in_cookie, "", max_age=0
            )
            return response
        try:
            person = await self._parts.oauth.finish(
                word=word, state=request.query.get("state", ""), code=request.query["code"]
            )
        except SignInFailed:
            return self._trouble("sign_in", 400)
        ours = {guild.guild_id for guild in await self._parts.shown.servers()}
        response = _see_other(back)
        await self._parts.sessions.begin(
            request, response, user_id=person.user_id, name=person.name,
            guild_ids=person.guild_ids & ours,
        )  # fmt: skip
        self._parts.sessions.set_cookie(
            response, self._parts.sessions.sign_in_cookie, "", max_age=0
        )
        return response

    async def sign_out(self, request: web.Request) -> web.Response:
        """Sign out this browser."""
        self._check_origin(request)
        response = _see_other("/")
        await self._parts.sessions.end(request, response)
        return response

    async def sessions(self, request: web.Request) -> web.Response:
        """Where somebody is signed in, for them."""
        viewer = await self._viewer(request)
        if viewer.session is None:
            return _see_other("/")
        listed = await self._parts.sessions.listed(request, viewer.session.user_id)
        page = self._page(request, "sessions.html", viewer=viewer, asked=Asked(), sessions=listed)
        page.headers["Cache-Control"] = "no-store"
        return page

    async def end_session(self, request: web.Request) -> web.Response:
        """Sign out another browser, or everywhere."""
        self._check_origin(request)
        session = await self._parts.sessions.get(request)
        if session is None:
            return _see_other("/")
        key = request.match_info.get("key")
        await self._parts.sessions.end_other(session.user_id, key)
        return _see_other("/" if key is None else "/sessions")

    def _check_origin(self, request: web.Request) -> None:
        """Only from our own page: another site's form says another origin, or brings no cookie."""
        if request.headers.get("Origin") != self._parts.origin:
            raise web.HTTPForbidden


_COPIES: Final = frozenset(f"{width}.webp" for width in WIDTHS)
_NOBODY: Final = Viewer(session=None, open_guilds=frozenset())


async def _expect_nothing(request: web.Request) -> None:
    """`Expect: 100-continue` may be answered with the answer itself: no body is read here."""


def _route(request: web.Request) -> str:
    """For the log: some addresses open something to whoever has them."""
    resource = request.match_info.route.resource
    return "an unknown address" if resource is None else resource.canonical


def _cost(path: str) -> float:
    if path.startswith("/collection/"):
        return DOWNLOAD_COST
    if path == "/signed-in":
        return SIGN_IN_COST
    return 1.0 if path.startswith(("/i/", "/static/")) else PAGE_COST


def _back(kept: str) -> str:
    """Where somebody was when they began to sign in; "/" where the cookie does not say."""
    try:
        return local(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)).decode())
    except ValueError:
        return "/"


def _see_other(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})


MAX_BACK: Final = 2000  # characters: with more, browsers drop the cookie that keeps it
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")  # one slash, then ASCII without backslashes


def local(address: str) -> str:
    """A path of this page as an address writes it; "/" for anything that leads elsewhere."""
    written = quote(address, safe=_AS_IT_IS, errors="replace")
    return written if len(written) <= MAX_BACK and _LOCAL.fullmatch(written) else "/"


_AS_IT_IS: Final = "".join(map(chr, range(128)))
