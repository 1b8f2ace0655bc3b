"""Collections as ZIP files, for links that the bot gave out; sent as they are made."""

import asyncio
from contextlib import aclosing, suppress
from typing import Final

from aiohttp import web

from bot.common.actor import Actor
from bot.gallery.collection_files import CollectionFiles, Contents
from bot.gallery.links import CollectionLinks
from bot.web.answers import SECURITY_HEADERS, send
from bot.web.thumbs import TooBusyError
from pipeline.errors import RefusedError

AT_ONCE: Final = 4  # hundreds of megabytes each
DOWNLOAD_COST: Final = 60.0  # a picture costs 1: four downloads at once, then some per minute


class Downloads:
    """Serves download links. Expired or unsigned links are answered like unknown ones."""

    def __init__(self, *, links: CollectionLinks, files: CollectionFiles) -> None:
        self._links = links
        self._files = files
        self._running = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The ZIP, with what its owner may see now. RefusedError if that is nothing."""
        contents = await self._contents(request.match_info["word"])
        if contents is None:
            raise web.HTTPNotFound
        if self._running >= AT_ONCE:
            raise TooBusyError
        self._running += 1
        try:
            return await self._send(request, contents)
        finally:
            self._running -= 1

    async def _contents(self, word: str) -> Contents | None:
        grant = await self._links.read(word)
        if grant is None:
            return None
        actor = Actor(user_id=grant.user_id, guild_id=grant.guild_id, channel_id=0)
        try:
            return await self._files.contents(
                grant.collection_id, actor=actor, ceiling=grant.ceiling
            )
        except RefusedError as error:
            if error.key == "collection_nothing_here":
                raise
            return None

    async def _send(self, request: web.Request, contents: Contents) -> web.StreamResponse:
        name = f"ekaki-{contents.collection.id}.zip"
        response = web.StreamResponse(
            headers={
                **SECURITY_HEADERS,
                "Content-Type": "application/zip",
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store",
                "X-Robots-Tag": "noindex",
            }
        )
        with suppress(TimeoutError):
            async with asyncio.timeout(_AT_MOST_S), aclosing(self._files.stream(contents)) as made:
                async for piece in made:
                    if not await send(request, response, piece):
                        return response
                return response
        if request.transport is not None:
            request.transport.abort()
        return response


_AT_MOST_S: Final = 1800.0  # of a slow client: others are waiting for its slot
