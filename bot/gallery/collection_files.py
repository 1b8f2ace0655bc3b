"""A collection as ZIP files: in parts for Discord, or in one stream for the web page."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import asdict, dataclass
from typing import Any

from bot.common.actor import Actor
from bot.gallery.collections import known_collection
from bot.library.packing import MEMBER_BYTES, PackedFile, in_a_thread, packed, streamed
from data.files.picture_files import PictureFiles
from data.gallery import collections
from data.gallery.collections import Collection
from data.store.database import Database
from pipeline.errors import RefusedError
from pipeline.metadata.credentials import Sign
from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The content of a collection's ZIP: `record` becomes `data.json`."""

    collection: Collection
    record: dict[str, Any]
    files: tuple[PackedFile, ...]
    size_bytes: int


class CollectionFiles:
    """Packs what a person is allowed to see."""

    def __init__(self, *, database: Database, pictures: PictureFiles, sign: Sign) -> None:
        self._database = database
        self._pictures = pictures
        self._sign = sign

    async def contents(self, collection_id: str, *, actor: Actor, ceiling: Rating) -> Contents:
        """The current pictures up to `ceiling`, with the settings of each.

        RefusedError `collection_unknown`, or `collection_nothing_here` where none is left to send.
        """
        listed: list[dict[str, Any]] = []
        files: list[PackedFile] = []
        size_bytes = 0
        async with self._database.reader() as connection:
            collection = await known_collection(connection, collection_id, actor)
            for item in await collections.items(
                connection, collection_id=collection_id, viewer_id=actor.user_id
            ):
                picture = item.picture
                path = self._pictures.path(picture.content_hash)
                if picture.rating > ceiling or not await asyncio.to_thread(path.is_file):
                    continue
                name = f"pictures/{picture.id}.png"
                request = json.loads(item.job.request.to_json())
                listed.append({"file": name, "request": request} | asdict(picture))
                files.append(
                    PackedFile(
                        name=name,
                        folder=self._pictures,
                        content_hash=picture.content_hash,
                        sign=self._sign,
                    )
                )
                size_bytes += picture.size_bytes + MEMBER_BYTES
        if not files:
            raise RefusedError("collection_nothing_here")
        return Contents(
            collection=collection,
            record={"collection": collection.name, "pictures": listed},
            files=tuple(files),
            size_bytes=size_bytes,
        )

    def parts(self, contents: Contents, *, part_bytes: int) -> AsyncGenerator[bytes]:
        """ZIP files of at most `part_bytes`; the first has `data.json`."""
        return in_a_thread(packed(contents.record, contents.files, part_bytes))

    def stream(self, contents: Contents) -> AsyncGenerator[bytes]:
        """One ZIP, in pieces."""
        return in_a_thread(streamed(contents.record, contents.files))
