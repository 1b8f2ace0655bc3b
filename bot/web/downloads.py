"""Collections as ZIP files, for who has a link of the bot's; sent as they are made."""

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
DOWNLOAD_COST: Final = 60.0  # against a picture's 1: four of them at once, then some a minute


class Downloads:
    """Answers links. What has expired or was never signed is not there, like anything unknown."""

    def __init__(self, *, links: CollectionLinks, files: CollectionFiles) -> None:
        self._links = links
        self._files = files
        self._running = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The ZIP, with what its owner may see at this moment. RefusedError where that is
        nothing."""
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


_AT_MOST_S: Final = 1800.0  # of one that reads slowly: others want its place
