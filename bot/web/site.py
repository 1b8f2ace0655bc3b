"""The gallery's page as an aiohttp application: every route, and what runs before all of them."""

import logging
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from bot.common.sizes import pixels_label
from bot.web.answers import SECURITY_HEADERS, Pieces, answer, etag_of, send
from bot.web.asked import Asked
from bot.web.downloads import DOWNLOAD_COST
from bot.web.easel import Easel
from bot.web.languages import accepted
from bot.web.marking import Marking
from bot.web.marks import Mark
from bot.web.parts import Parts, Viewer
from bot.web.replies import Replies
from bot.web.signing_in import SigningIn
from bot.web.tags import tags_of
from bot.web.throttle import client_address, network
from bot.web.thumbs import TooBusyError
from data.files.thumbnails import WIDTHS
from data.shipped.text import speaking
from pipeline.describe import describe
from pipeline.errors import InputError, RefusedError, StorageError
from pipeline.prompt.typed import imagine_command, is_repeatable
from pipeline.rating import Rating

_log = logging.getLogger(__name__)

_RETRY_S: Final = 4.0
PAGE_COST: Final = 5.0  # a picture costs 1
SIGN_IN_COST: Final = 30.0  # it asks Discord, which counts how often: see `bot.web.oauth`
DRAW_COST: Final = 15.0  # a mask is checked, which takes tens of milliseconds
MARK_COST: Final = 30.0  # so does this, and it writes
_HIDDEN: Final = frozenset(
    {"prompt", "negative_prompt", "count", "visibility", "typed_prompt", "typed_negative",
     "init_picture", "mask"}
)  # fmt: skip
"""Keys of `describe` that are shown elsewhere on the page or are private. What was typed is derived
from the final prompt (`pipeline.prompt.typed`), because typed texts may name LoRAs, and files in
flags of other programs."""


class Site:
    """The routes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._replies = Replies(parts)
        self._signing = SigningIn(parts, self._replies)
        self._marking = Marking(parts, self._replies)
        self._easel = Easel(parts, self._replies)

    def application(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=4096)
        seen: dict[str, Handler] = {
            "/": self.gallery,
            "/p/{id}": self.picture,
            "/i/{id}/{name}": self.file,
            "/static/{name}": self.static,
            "/robots.txt": self.robots,
            "/sign-in": self._signing.sign_in,
            "/signed-in": self._signing.signed_in,
            "/sessions": self._signing.sessions,
        }
        routes = [(method, *route) for route in seen.items() for method in ("GET", "HEAD")]
        routes += [
            ("GET", "/collection/{word}", self._parts.downloads.answer),
            ("POST", f"/p/{{id}}/{{mark:{'|'.join(Mark)}}}", self._marking.mark),
            ("GET", "/redraw/{word}", self._easel.page),
            ("GET", "/redraw/{word}/picture.png", self._easel.picture),
            ("POST", "/redraw/{word}/draw", self._easel.draw),
            ("POST", "/sign-out", self._signing.sign_out),
            ("POST", "/sessions/end", self._signing.end_session),
            ("POST", "/sessions/end/{key}", self._signing.end_session),
            ("*", "/{path:.*}", self.unknown),
        ]
        for method, path, handler in routes:
            # aiohttp would answer what it can't fulfil itself, before `_guard`.
            app.router.add_route(method, path, handler, expect_handler=_expect_nothing)
        return app

    # -- before and after every route

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        address = network(self._address(request))
        if not self._parts.requests.take(address):
            with speaking(accepted(request.headers.get("Accept-Language", ""))):
                return await self._sent(request, self._replies.busy(_RETRY_S))
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
                response: web.StreamResponse = self._replies.busy(wait_s)
            else:
                response = await self._handled(request, handler)
        return await self._sent(request, response)

    async def _sent(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if not response.prepared:
            for name, value in SECURITY_HEADERS.items():
                response.headers.setdefault(name, value)
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
            response = self._replies.trouble(known.get(error.status, "wrong"), error.status)
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
            return response
        except RefusedError:  # of a link to a collection
            return self._replies.trouble("empty", 404)
        except InputError:
            return self._replies.trouble("wrong", 400)
        except TooBusyError:
            response = self._replies.trouble("busy", 503)
            response.headers["Retry-After"] = "5"
            return response
        except StorageError:
            _log.exception("The page could not read what is kept")
            return self._replies.trouble("broken", 503)
        except Exception:  # noqa: BLE001 - whatever it is, others must be able to continue reading
            _log.exception("The page failed at %s", _route(request))
            return self._replies.trouble("broken", 500)

    def _address(self, request: web.Request) -> str:
        return client_address(
            request.remote or "",
            request.headers.getall("X-Forwarded-For", []),
            proxies=self._parts.proxies,
        )

    # -- pages

    async def gallery(self, request: web.Request) -> web.Response:
        """A page of pictures."""
        asked, viewer = Asked.read(request.query), await self._replies.viewer(request)
        page = await self._parts.shown.page(asked, viewer.open_guilds)
        servers = await self._parts.shown.servers()
        chosen = next((each.name for each in servers if str(each.guild_id) == asked.server), "")
        return self._replies.page(
            request, "gallery.html", viewer=viewer, asked=asked, page=page, servers=servers,
            chosen=chosen, ratings=list(Rating),
        )  # fmt: skip

    async def picture(self, request: web.Request) -> web.Response:
        """One picture with everything about it."""
        asked, viewer = Asked.read(request.query), await self._replies.viewer(request)
        found = await self._parts.shown.picture(request.match_info["id"], asked, viewer.open_guilds)
        if found is None:
            raise web.HTTPNotFound
        made, seed = found.job.request.of(found.picture.position), found.picture.seed
        settings = [
            (label, pixels_label(value) if label == "size" else value)
            for label, value in describe(made)
            if label not in _HIDDEN and label != "seed"
        ]
        settings.append(("seed", str(seed)))
        tags = tags_of(made)
        return self._replies.page(
            request, "picture.html", viewer=viewer, asked=asked, found=found, settings=settings,
            tags=tags, command=imagine_command(made, seed=seed) if tags else "",
            repeatable=is_repeatable(made),
            offered=await self._parts.marks.offered(viewer.session, found.entry, found.job),
        )  # fmt: skip

    # -- files

    async def file(self, request: web.Request) -> web.StreamResponse:
        """`320.webp` and the like, or `original.png`."""
        name = request.match_info["name"]
        width = int(name.removesuffix(".webp")) if name in _COPIES else None
        if width is None and name != "original.png":
            raise web.HTTPNotFound
        viewer = await self._replies.viewer(request) if self._may_be_signed_in(request) else _NOBODY
        entry = await self._parts.shown.file(request.match_info["id"], viewer.open_guilds)
        if entry is None:
            raise web.HTTPNotFound
        try:
            body: bytes | Pieces
            if width is None:
                folder, lasts = await self._parts.thumbs.original(entry.content_hash)
                body = await Pieces.of(folder, entry.content_hash)
            else:
                body, lasts = await self._parts.thumbs.get(entry.content_hash, width)
        except StorageError as error:
            raise web.HTTPNotFound from error
        signer = self._parts.thumbs.signer if lasts else "nobody"
        keeping = "public" if entry.rating == Rating.SAFE else "private"
        response = answer(
            request,
            body,
            kind="image/png" if width is None else "image/webp",
            keeping=keeping if lasts else "never",
            etag=etag_of(entry.content_hash, name, signer),
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
        """Unknown addresses, and wrong methods."""
        taken = [await route.resolve(request) for route in request.app.router.resources()]
        methods = {method for _, found in taken for method in found if method != "*"}
        raise web.HTTPMethodNotAllowed(request.method, methods) if methods else web.HTTPNotFound


_MARKS: Final = tuple(f"/{mark}" for mark in Mark)
_COPIES: Final = frozenset(f"{width}.webp" for width in WIDTHS)
_NOBODY: Final = Viewer(session=None, open_guilds=frozenset())


async def _expect_nothing(request: web.Request) -> None:
    """`Expect: 100-continue` may be answered with the response itself, because no body is read."""


def _route(request: web.Request) -> str:
    """For the log: some addresses contain secrets."""
    resource = request.match_info.route.resource
    return "an unknown address" if resource is None else resource.canonical


def _cost(path: str) -> float:
    if path.startswith("/collection/"):
        return DOWNLOAD_COST
    if path == "/signed-in":
        return SIGN_IN_COST
    if path.startswith("/redraw/") and path.endswith("/draw"):
        return DRAW_COST
    if path.startswith("/p/") and path.endswith(_MARKS):
        return MARK_COST
    return 1.0 if path.startswith(("/i/", "/static/")) else PAGE_COST
