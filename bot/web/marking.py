"""Routes of the gallery's page: a member's star and favourite, by forms."""

from aiohttp import web

from bot.web.asked import Asked
from bot.web.marks import Mark
from bot.web.parts import Parts
from bot.web.replies import Replies, see_other
from pipeline.errors import RefusedError


class Marking:
    """The routes."""

    def __init__(self, parts: Parts, replies: Replies) -> None:
        self._parts = parts
        self._replies = replies

    async def mark(self, request: web.Request) -> web.Response:
        """Set or remove a mark, and show the picture again. Idempotent; reads only the address."""
        self._replies.check_origin(request)
        viewer = await self._replies.viewer(request)
        entry = await self._parts.shown.file(request.match_info["id"], viewer.open_guilds)
        if entry is None:
            raise web.HTTPNotFound
        back = f"/p/{entry.id}{Asked.read(request.query).elsewhere()}"
        if viewer.session is None:  # the session has ended: the page says so
            return see_other(back)
        wait_s = self._parts.marks.wait_s(viewer.session)
        if wait_s > 0:
            return self._replies.busy(wait_s)
        try:
            given = await self._parts.marks.give(
                Mark(request.match_info["mark"]), entry, session=viewer.session
            )
        except RefusedError:
            return self._replies.trouble("mark", 403)
        if not given:
            raise web.HTTPNotFound
        return see_other(f"{back}#{MARKS}")


MARKS = "marks"
"""The anchor of the forms on the page, so that a phone shows them again."""
