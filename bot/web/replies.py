"""Answers that several routes of the gallery's page give."""

from typing import Any

from aiohttp import web

from bot.web.answers import answer
from bot.web.asked import Asked
from bot.web.parts import Parts, Viewer


class Replies:
    """Made of templates."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def busy(self, wait_s: float) -> web.Response:
        """Try again in `wait_s`."""
        response = self.trouble("busy", 429)
        response.headers["Retry-After"] = str(int(wait_s) + 1)
        return response

    def trouble(self, what: str, status: int, words: str = "") -> web.Response:
        """The error page; `what` is the key of its text, `words` say more than its hint."""
        body = self._parts.pages.render(
            "trouble.html", what=what, words=words, viewer=None, asked=Asked()
        )
        return web.Response(
            body=body, status=status, content_type="text/html", charset="utf-8",
            headers={"Cache-Control": "no-store"},
        )  # fmt: skip

    def check_origin(self, request: web.Request) -> None:
        """Accept only our own page: another site's form has another origin, or no cookie.
        HTTPForbidden otherwise."""
        if request.headers.get("Origin") != self._parts.origin:
            raise web.HTTPForbidden

    async def viewer(self, request: web.Request) -> Viewer:
        """Who sent `request`."""
        session = await self._parts.sessions.get(request)
        open_guilds = await self._parts.access.open_guilds(session)
        return Viewer(session=session, open_guilds=open_guilds)

    def page(self, request: web.Request, name: str, **values: Any) -> web.Response:
        """A template of the page, filled."""
        values["here"] = request.rel_url.raw_path_qs
        values["may_sign_in"] = self._parts.oauth.possible
        body = self._parts.pages.render(name, **values)
        return answer(request, body, kind="text/html", keeping="page")


def see_other(address: str) -> web.Response:
    """Redirect with GET, after a form or to Discord."""
    return web.Response(status=303, headers={"Location": address, "Cache-Control": "no-store"})
