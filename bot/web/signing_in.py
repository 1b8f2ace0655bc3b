"""Routes of the gallery's page: signing in with Discord, signing out, and the list of sessions."""

import base64
import re
from typing import Final
from urllib.parse import quote

from aiohttp import web

from bot.web.asked import Asked
from bot.web.oauth import WAIT_S, SignInFailed
from bot.web.parts import Parts
from bot.web.replies import Replies, see_other


class SigningIn:
    """The routes."""

    def __init__(self, parts: Parts, replies: Replies) -> None:
        self._parts = parts
        self._replies = replies

    async def sign_in(self, request: web.Request) -> web.Response:
        """Redirect to Discord's page."""
        if not self._parts.oauth.possible:
            raise web.HTTPNotFound
        word, address = self._parts.oauth.begin()
        response = see_other(address)
        back = base64.urlsafe_b64encode(local(request.query.get("next", "/")).encode()).decode()
        kept = f"{word}.{back.rstrip('=')}"
        self._parts.sessions.set_cookie(
            response, self._parts.sessions.sign_in_cookie, kept, max_age=WAIT_S
        )
        return response

    async def signed_in(self, request: web.Request) -> web.Response:
        """Return from Discord's page, with or without a code."""
        word, _, kept = request.cookies.get(self._parts.sessions.sign_in_cookie, "").partition(".")
        back = _back(kept)
        if "code" not in request.query:  # they declined
            response = see_other(back)
            self._parts.sessions.set_cookie(
                response, self._parts.sessions.sign_in_cookie, "", max_age=0
            )
            return response
        try:
            person = await self._parts.oauth.finish(
                word=word, state=request.query.get("state", ""), code=request.query["code"]
            )
        except SignInFailed:
            return self._replies.trouble("sign_in", 400)
        ours = {guild.guild_id for guild in await self._parts.shown.servers()}
        response = see_other(back)
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
        self._replies.check_origin(request)
        response = see_other("/")
        await self._parts.sessions.end(request, response)
        return response

    async def sessions(self, request: web.Request) -> web.Response:
        """The list of a person's sessions, for them."""
        viewer = await self._replies.viewer(request)
        if viewer.session is None:
            return see_other("/")
        listed = await self._parts.sessions.listed(request, viewer.session.user_id)
        page = self._replies.page(
            request, "sessions.html", viewer=viewer, asked=Asked(), sessions=listed
        )
        page.headers["Cache-Control"] = "no-store"
        return page

    async def end_session(self, request: web.Request) -> web.Response:
        """Sign out another browser, or everywhere."""
        self._replies.check_origin(request)
        session = await self._parts.sessions.get(request)
        if session is None:
            return see_other("/")
        key = request.match_info.get("key")
        await self._parts.sessions.end_other(session.user_id, key)
        return see_other("/" if key is None else "/sessions")


def _back(kept: str) -> str:
    """The page on which signing in was started; "/" if the cookie does not say."""
    try:
        return local(base64.urlsafe_b64decode(kept + "=" * (-len(kept) % 4)).decode())
    except ValueError:
        return "/"


MAX_BACK: Final = 2000  # characters: with more, browsers drop the cookie that keeps it
_LOCAL: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")  # one slash, then ASCII without backslashes


def local(address: str) -> str:
    """A path of this page, encoded; "/" for anything that leads elsewhere."""
    written = quote(address, safe=_AS_IT_IS, errors="replace")
    return written if len(written) <= MAX_BACK and _LOCAL.fullmatch(written) else "/"


_AS_IT_IS: Final = "".join(map(chr, range(128)))
