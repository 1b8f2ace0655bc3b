"""Routes of the page where the owner of a picture paints what is redrawn.

Whoever has the link sees the picture, so nothing here is cached or passed on as a referrer.
"""

import asyncio
import logging
import math
import re
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from bot.jobs.keep.mask_files import MAX_MASK_BYTES
from bot.library.painting import Painted
from bot.web.answers import answer
from bot.web.asked import Asked
from bot.web.parts import Parts
from bot.web.replies import Replies
from data.shipped.text import text
from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import EkakiError, InputError, RefusedError, StorageError
from pipeline.rework import DEFAULT_STRENGTH, MAX_STRENGTH, MIN_STRENGTH

_log = logging.getLogger(__name__)

AT_ONCE: Final = 4  # bodies that are read at once, each in memory
OF_A_PERSON: Final = 2  # of them
BODY_S: Final = 60.0  # for a mask: a megabyte over a slow connection
_FIELDS_BYTES: Final = 64 * 1024  # beside the mask: the prompt, the strength, the form's own lines
_HEAD_BYTES: Final = 1000  # of a field
_MAX_FIELDS: Final = 8  # ours has three
_BOUNDARY: Final = re.compile(r'boundary="?([^\s";,]{1,200})')
_NAME: Final = re.compile(rb'[ ;]name="([^"\r\n]*)"')
_PRIVATE: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    mask: bytes
    prompt: str
    strength: float


class Easel:
    """The routes."""

    def __init__(self, parts: Parts, replies: Replies) -> None:
        self._parts = parts
        self._replies = replies
        self._reading = 0
        self._of_person = Counter[int]()

    async def page(self, request: web.Request) -> web.Response:
        """The picture, a canvas over it, and the form."""
        try:
            painted = await self._opened(request)
        except RefusedError as error:
            response = self._replies.trouble("redraw_refused", 403, self._words(error))
        else:
            if painted is None:
                response = self._replies.trouble("redraw", 404)
            else:
                response = self._page(request, painted)
        response.headers.update(_PRIVATE)
        return response

    def _page(self, request: web.Request, painted: Painted) -> web.Response:
        picture = painted.stored.picture
        body = self._parts.pages.render(
            "redraw.html",
            viewer=None,
            asked=Asked(),
            path=f"/redraw/{request.match_info['word']}",
            width=picture.width,
            height=picture.height,
            prompt=painted.prompt,
            longest=MAX_PROMPT_CHARACTERS,
            strength=DEFAULT_STRENGTH,
            low=MIN_STRENGTH,
            high=MAX_STRENGTH,
        )
        return web.Response(body=body, content_type="text/html", charset="utf-8")

    async def picture(self, request: web.Request) -> web.Response:
        """The picture itself."""
        try:
            painted = await self._opened(request)
            if painted is None or self._parts.painting is None:
                raise web.HTTPNotFound
            body = await self._parts.painting.read(painted)
        except (RefusedError, StorageError) as error:
            raise web.HTTPNotFound from error
        response = answer(request, body, kind="image/png", keeping="never")
        response.headers.update(_PRIVATE)
        return response

    async def draw(self, request: web.Request) -> web.Response:
        """Accept what was painted. The answer is JSON: `done`, and words for the person."""
        self._replies.check_origin(request)
        if self._reading >= AT_ONCE:
            return _said(503, text("paint.busy"))
        self._reading += 1
        try:
            return await self._drawn(request)
        finally:
            self._reading -= 1

    async def _drawn(self, request: web.Request) -> web.Response:
        try:
            painted = await self._opened(request)
            if painted is None or self._parts.painting is None:
                return _said(404, text("paint.gone"))
            person = painted.origin.user_id
            if self._of_person[person] >= OF_A_PERSON:
                return _said(503, text("paint.busy"))
            with self._counted(person):
                sent = await _read(request)
            await self._parts.painting.submit(
                painted, mask=sent.mask, prompt=sent.prompt, strength=sent.strength
            )
        except TimeoutError:
            return _said(408, text("paint.slow"))
        except InputError as error:
            status = 413 if error.key == "mask_too_large" else 400
            return _said(status, self._words(error))
        except RefusedError as error:
            return _said(403, self._words(error))
        except EkakiError as error:
            _log.warning("A painted request was not accepted: %s", error)
            return _said(503, self._words(error))
        return _said(200, text("paint.done"), done=True)

    @contextmanager
    def _counted(self, person: int) -> Generator[None]:
        self._of_person[person] += 1
        try:
            yield
        finally:
            self._of_person[person] -= 1
            if not self._of_person[person]:
                del self._of_person[person]

    async def _opened(self, request: web.Request) -> Painted | None:
        if self._parts.painting is None:
            return None
        session = await self._parts.sessions.get(request)
        return await self._parts.painting.open(
            request.match_info["word"], signed_in=None if session is None else session.user_id
        )

    def _words(self, error: EkakiError) -> str:
        painting = self._parts.painting
        return ("" if painting is None else painting.explain(error)) or text("paint.failed")


def _said(status: int, words: str, *, done: bool = False) -> web.Response:
    return web.json_response({"done": done, "words": words}, status=status, headers=_PRIVATE)


async def _read(request: web.Request) -> _Sent:
    """The form, never more of it than a mask may have. InputError, TimeoutError."""
    most = MAX_MASK_BYTES + _FIELDS_BYTES
    if (request.content_length or 0) > most:
        raise InputError("mask_too_large", limit=MAX_MASK_BYTES // 2**20)
    try:
        async with asyncio.timeout(BODY_S):
            fields = await _fields(request, most)
        prompt = fields["prompt"].decode()
        return _Sent(mask=fields["mask"], prompt=prompt, strength=_finite(fields["strength"]))
    except (ValueError, KeyError) as error:  # what is no form, or not ours
        raise InputError("mask_not_supported") from error


def _finite(typed: bytes) -> float:
    """ValueError for anything else."""
    found = float(typed)
    if not math.isfinite(found):
        raise ValueError(typed)
    return found


async def _fields(request: web.Request, most: int) -> dict[str, bytes]:
    """The fields of a form of ours. Read as a whole: aiohttp's reader takes a line at a time, so
    millions of empty lines or parts would hold up everything else."""
    boundary = _BOUNDARY.search(request.headers.get("Content-Type", ""))
    if request.content_type != "multipart/form-data" or boundary is None:
        raise ValueError(request.content_type)
    body = bytearray(b"\r\n")
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > most:
            raise InputError("mask_too_large", limit=MAX_MASK_BYTES // 2**20)
    mark = b"\r\n--" + boundary[1].encode()
    _, *parts = bytes(body).split(mark, _MAX_FIELDS + 1)
    if not parts or not parts[-1].startswith(b"--"):
        raise ValueError("not complete, or more fields than ours")
    found: dict[str, bytes] = {}
    for part in parts[:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head[:_HEAD_BYTES])
        found["" if name is None else name[1].decode()] = value
    return found
