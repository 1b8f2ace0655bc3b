"""Request bodies: JSON, or multipart with `payload_json` and `files[n]`."""

import json
import re
from typing import Any

from aiohttp import BodyPartReader, web

from bot.playground.simulator import errors, limits
from bot.playground.simulator.check_message import Upload
from bot.playground.simulator.posting import Body

BODY = web.RequestKey("loopback_body", Body)
"""What was read of a request."""

_FILE = re.compile(r"files?\[(\d+)\]")


async def read_body(request: web.Request) -> Body:
    """A JSON object with its files. ApiError for what can't be read or is too large."""
    if not request.content_type.startswith("multipart/"):
        found = await read_json(request)
        if not isinstance(found, dict):
            raise errors.invalid((), "DICT_TYPE_CONVERT", "Only dictionaries may be used")
        return request[BODY]
    body = request[BODY] = Body()
    total = 0
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read())
        total += len(data)
        if total > limits.REQUEST_BYTES:
            raise errors.too_large()
        if part.name == "payload_json":
            body.json = _parse(data)
            continue
        match = _FILE.fullmatch(part.name or "")
        if match is None:
            raise errors.invalid((part.name or "",), "UNKNOWN_FIELD", "This field is not known.")
        name = part.filename or "unknown"
        kind = part.headers.get("Content-Type", "application/octet-stream")
        body.uploads[int(match[1])] = Upload(
            filename=name, content_type=_guess(name, kind), data=data
        )
    return body


async def read_json(request: web.Request) -> Any:
    """Any JSON; an empty body is an empty object."""
    data = await request.read()
    request[BODY] = Body(json=_parse(data) if data else {})
    return request[BODY].json


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        raise errors.invalid_json() from None


def _guess(filename: str, declared: str) -> str:
    """Discord derives the type from the name if it is not given."""
    if declared != "application/octet-stream":
        return declared
    kinds = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}
    kinds |= {"txt": "text/plain; charset=utf-8", "json": "application/json; charset=utf-8"}
    return kinds.get(filename.rpartition(".")[2].lower(), declared)
