"""Reads the files of pictures for a message."""

import asyncio
from collections.abc import Sequence

from bot.services import Services
from cogs.common.messages import Attachment
from cogs.common.pictures import fit
from cogs.drawing import render
from cogs.drawing.comparison import labels_of, sheet_of
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord


async def read_attachments(
    services: Services, job: JobRecord, pictures: Sequence[PictureRecord], *, limit_bytes: int
) -> list[Attachment]:
    """The files, each small enough for the place, with the sheet of a comparison before them.
    StorageError if one is gone."""
    made: list[Attachment] = []
    files: list[bytes] = []
    is_compared = bool(labels_of(job))
    for picture in pictures:
        png = await services.jobs.read_picture(picture)
        content, suffix = await asyncio.to_thread(fit, png, limit_bytes, services.sign)
        made.append(render.picture_attachment(job, picture, content, suffix))
        if is_compared:
            files.append(png)
    sheet = await asyncio.to_thread(sheet_of, job, pictures, files) if is_compared else None
    if sheet is None:
        return made
    content, suffix = await asyncio.to_thread(fit, sheet, limit_bytes, services.sign)
    return [render.sheet_attachment(job, content, suffix), *made]
