"""Pictures that people send to start from, and masks: checked before they are decoded, stored
without metadata.

What is stored is a new PNG: the location and camera of a photograph never reach the disk, large
photographs are scaled down to the largest size that is drawn, and nothing else hidden in the file
survives.
"""

import asyncio
import io
from functools import partial
from typing import Final

from PIL import Image, ImageOps

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.jobs.keep.files import KeptFiles
from bot.jobs.keep.mask_files import checked_mask
from bot.jobs.values import Upload
from data.files.picture_files import content_hash_of
from data.jobs import uploads
from data.jobs.uploads import UploadRecord
from pipeline.errors import InputError, RefusedError, StorageError
from pipeline.metadata.png import encode_png
from pipeline.opaque import opaque

MAX_UPLOAD_BYTES: Final = 20 * 2**20  # the largest PNG of any size we draw has a third of it
MAX_UPLOAD_PIXELS: Final = 36_000_000  # a good phone's photograph; about 110 MB when decoded
KEPT_SIDE: Final = 2048  # pixels of the longer side: more than the largest size that is drawn

FORMATS: Final = ("PNG", "JPEG", "WEBP")
_SEVERAL: Final = "MPO"  # a JPEG of a phone that has depth or light in a second picture
_AT_ONCE = 2  # decoding: each may hold the memory of MAX_UPLOAD_PIXELS


class Uploads:
    """Checks and stores uploads."""

    def __init__(self, files: KeptFiles, clock: Clock) -> None:
        self._files = files
        self._clock = clock
        self._decoding = asyncio.Semaphore(_AT_ONCE)

    async def put(self, data: bytes) -> Upload:
        """Store a picture. It is kept while jobs refer to it, otherwise for an hour.

        InputError `image_too_large`, `image_not_supported` or `image_too_many_pixels`: nothing is
        stored. StorageError if the disk fails.
        """
        async with self._decoding:
            png, width, height = await asyncio.to_thread(checked_png, data)
        return await self._store(png, width=width, height=height, is_mask=False)

    async def put_mask(self, data: bytes, *, width: int, height: int) -> Upload:
        """Store a mask for a picture of `width` x `height` pixels. It is kept as `put` says.

        InputError, see `checked_mask`: nothing is stored. StorageError if the disk fails.
        """
        async with self._decoding:
            png = await asyncio.to_thread(partial(checked_mask, data, width=width, height=height))
        return await self._store(png, width=width, height=height, is_mask=True)

    async def _store(self, png: bytes, *, width: int, height: int, is_mask: bool) -> Upload:
        record = UploadRecord(
            content_hash=await asyncio.to_thread(content_hash_of, png),
            user_id=None,
            width=width,
            height=height,
            size_bytes=len(png),
            uploaded_at=self._clock.time(),
            is_mask=is_mask,
        )
        try:
            async with self._files.lock:
                self._files.database.place.check()
                await asyncio.to_thread(self._files.uploads.write, png)
                hit("upload_written")
                async with self._files.database.transaction() as connection:
                    await uploads.put(connection, upload=record)
        except StorageError:  # the disk is full: its file must not stay without a row
            await self._files.discard([record.content_hash])
            raise
        return Upload(content_hash=record.content_hash, width=width, height=height)

    async def find(self, beginning: str) -> str:
        """The hash that begins so. RefusedError `image_gone`: it is not kept any more."""
        async with self._files.database.reader() as connection:
            found = await uploads.hashes_from(connection, prefix=beginning)
        if not found:
            raise RefusedError("image_gone")
        return min(found)


def checked_png(data: bytes) -> tuple[bytes, int, int]:
    """`data` as our PNG, with its width and height. Up to a second: call it in a thread. Raises as
    `decoded` does."""
    picture = decoded(data)
    return encode_png(picture, ""), picture.width, picture.height


def decoded(data: bytes, *, moving: bool = True) -> Image.Image:
    """The picture in a file, upright, RGB, at most KEPT_SIDE. Up to a second: call it in a thread.

    Size and number of pixels are read from the header, before anything is decoded. InputError
    `image_too_large`, `image_not_supported`, `image_too_many_pixels`, or, unless `moving` ones are
    taken (their first frame), `image_moves`.
    """
    if len(data) > MAX_UPLOAD_BYTES:
        raise InputError("image_too_large", limit=MAX_UPLOAD_BYTES // 2**20)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            moves = not moving and image.format != _SEVERAL and getattr(image, "is_animated", False)
            picture = _upright(image) if _is_small_enough(image) and not moves else None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        picture, moves = None, False
    except Exception as error:  # a hostile file may break a decoder in any way
        raise InputError("image_not_supported", formats=", ".join(FORMATS)) from error
    if moves:
        raise InputError("image_moves")
    if picture is None:
        raise InputError("image_too_many_pixels", limit=MAX_UPLOAD_PIXELS // 1_000_000)
    return picture


def _upright(image: Image.Image) -> Image.Image:
    """RGB, at most KEPT_SIDE, rotated as its metadata says, with transparency on white."""
    image.draft(
        "RGB", (KEPT_SIDE, KEPT_SIDE)
    )  # JPEG is decoded at half size or less if that is enough
    if image.mode not in {"RGB", "RGBA", "L"} or "transparency" in image.info:
        image = opaque(ImageOps.exif_transpose(image))  # other pixels can't be mixed
    image.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.LANCZOS)
    return opaque(ImageOps.exif_transpose(image))


def _is_small_enough(image: Image.Image) -> bool:
    return image.width * image.height <= MAX_UPLOAD_PIXELS
