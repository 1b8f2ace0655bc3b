"""The files of pictures and uploads, kept as long as they are needed.

A file is needed while a row of `pictures` or `uploads` names it, or an open job starts from it.
Withheld pictures are in a separate folder that no code that shows pictures reads. Files are written
before their rows and deleted after them: a crash leaves at most files without a row, which `sweep`
finds.
"""

import asyncio
import io
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from data.files.picture_files import PictureFiles
from data.files.thumbnails import Thumbnails
from data.jobs import jobs, pictures, uploads, withheld
from data.store.database import Database
from pipeline.errors import StorageError
from pipeline.metadata.credentials import Sign, unsigned

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """All folders. Hold `lock` from writing a file until its row is stored: equal content makes the
    same file, and a concurrent deletion must not see it without a row. `sign`: for copies of
    pictures that leave."""

    database: Database
    pictures: PictureFiles
    uploads: PictureFiles
    withheld: PictureFiles
    thumbnails: Thumbnails
    sign: Sign = unsigned
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def under(cls, data_dir: Path, database: Database, *, sign: Sign = unsigned) -> "KeptFiles":
        """The folders in `data_dir`."""
        return cls(
            database,
            pictures=PictureFiles(data_dir / "pictures"),
            uploads=PictureFiles(data_dir / "uploads"),
            withheld=PictureFiles(data_dir / "withheld"),
            thumbnails=Thumbnails.under(data_dir),
            sign=sign,
        )

    def image(self, content_hash: str) -> Image.Image:
        """The picture or upload to start from, or a mask, decoded: RGB, or L for a mask. Tens of
        milliseconds, call it in a thread.

        StorageError, `init_picture_missing` if its file is gone or damaged.
        """
        for folder in (self.pictures, self.uploads):
            try:
                with Image.open(io.BytesIO(folder.read(content_hash))) as image:
                    return image.convert("L" if image.mode == "L" else "RGB")
            except StorageError as error:
                if error.key != "picture_missing":
                    raise
            except (OSError, ValueError, SyntaxError) as error:
                raise StorageError("init_picture_missing") from error
        raise StorageError("init_picture_missing")

    async def discard(self, hashes: Iterable[str]) -> None:
        """Delete the files of `hashes` that nothing needs ("" is skipped).

        Never raises for disk or database errors: the caller's work is done, and the next sweep
        tries again.
        """
        for content_hash in sorted(set(hashes) - {""}):
            async with self.lock:
                try:
                    await self._discard(content_hash)
                except (StorageError, OSError) as error:
                    _log.warning("A file could not be deleted: %s", error)

    async def sweep(self) -> None:
        """Delete what crashes left: files without a row, and partial ones.

        Deletes nothing while the database has no jobs: it is new, perhaps because the old one was
        lost, and the files are all that is left of people's pictures.
        """
        async with self.database.reader() as connection:
            if not await jobs.any_stored(connection):
                return
        for folder, rows in (
            (self.pictures, pictures),
            (self.uploads, uploads),
            (self.withheld, withheld),
        ):
            for name in await asyncio.to_thread(folder.groups):
                async with self.lock:
                    found = await asyncio.to_thread(folder.clean_group, name)
                    async with self.database.reader() as connection:
                        known = await rows.hashes_from(connection, prefix=name)
                await self.discard(found - known)
        for path in await asyncio.to_thread(self.thumbnails.orphans):
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _discard(self, content_hash: str) -> None:
        async with self.database.reader() as connection:
            if await jobs.is_needed(connection, content_hash=content_hash):
                return
            is_picture = await pictures.uses_file(connection, content_hash=content_hash)
            upload = await uploads.get(connection, content_hash=content_hash)
            is_withheld = await withheld.uses_file(connection, content_hash=content_hash)
        for folder, used in (
            (self.pictures, is_picture),
            (self.uploads, upload is not None),
            (self.withheld, is_withheld),
        ):
            if not used:
                await asyncio.to_thread(folder.delete, content_hash)
        if not is_picture:  # after the picture: see data.files.thumbnails
            await asyncio.to_thread(self.thumbnails.delete, content_hash)
