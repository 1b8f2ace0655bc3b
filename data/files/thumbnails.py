"""Thumbnails as WebP, made on first request.

They are stored under the picture's content hash in a separate folder, which may be deleted at any
time. All functions block on the disk: call them in a thread. Where pictures are signed as they
leave, signed copies of the originals that the page offers are kept beside them, in `signed`.
"""

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from data.files.picture_files import PictureFiles
from data.store.private import make_folder, restrict
from pipeline.errors import StorageError
from pipeline.metadata.credentials import Kind, Sign, unsigned
from pipeline.metadata.provenance import XMP_BYTES

WIDTHS: Final = (320, 640, 1280)
"""Widths in pixels: a column on a phone, one on a sharp screen, the picture's own page."""

QUALITY: Final = 84
_METHOD: Final = 4  # WebP's 0 (fast) to 6 (small)
_HASH_LENGTH: Final = 64
_SIGNER: Final = "signer"
_EACH: Final = " signed each"
"""Behind the signer's name: earlier versions also kept copies that could not be signed."""


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """A thumbnail is at `<first two digits>/<hash>-<width>.webp`."""

    folder: Path
    pictures: PictureFiles
    sign: Sign = unsigned

    @classmethod
    def under(cls, data_dir: Path, *, sign: Sign = unsigned) -> "Thumbnails":
        """The folder in `data_dir`."""
        return cls(data_dir / "thumbnails", PictureFiles(data_dir / "pictures"), sign)

    @property
    def originals(self) -> PictureFiles:
        """Signed copies, by the hash of the picture itself."""
        return PictureFiles(self.folder / "signed")

    def renew(self) -> None:
        """Remove what another certificate signed, or none. Raises OSError."""
        note = self.folder / _SIGNER
        known = note.read_text(encoding="ascii") if note.exists() else ""
        signer = self.sign.name and f"{self.sign.name}{_EACH}"
        if known == signer:
            return
        for path in self._files():
            path.unlink(missing_ok=True)
        make_folder(self.folder)
        note.write_text(signer, encoding="ascii")
        restrict(note)

    def path(self, content_hash: str, width: int) -> Path:
        """The path of the thumbnail, whether it exists or not."""
        name = self.pictures.path(content_hash).stem  # ValueError for what is no hash
        return self.folder / name[:2] / f"{name}-{width}.webp"

    def read(self, content_hash: str, width: int) -> bytes | None:
        """The thumbnail of at most `width` pixels, if it and its picture exist."""
        path = self.path(content_hash, width)
        if not self.pictures.path(content_hash).exists():
            return None
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None

    def make(self, content_hash: str, width: int) -> tuple[bytes, bool]:
        """Make the thumbnail, in a tenth of a second, and say whether it is as it should be: one
        that could not be signed is not kept. StorageError `picture_missing`."""
        data, is_right = self._signed(shrink(self.pictures.read(content_hash), width), "webp")
        if is_right:
            self._write(self.path(content_hash, width), data, content_hash)
        return data, is_right

    def has_original(self, content_hash: str) -> bool:
        """Whether there is a signed copy of the picture, and the picture itself."""
        paths = (folder.path(content_hash) for folder in (self.originals, self.pictures))
        return all(path.exists() for path in paths)

    def make_original(self, content_hash: str) -> bool:
        """Make the signed copy; False if it can't be signed now. StorageError `picture_missing`."""
        data, is_right = self._signed(self.pictures.read(content_hash), "png")
        if is_right:
            self._write(self.originals.path(content_hash), data, content_hash)
        return is_right

    def _signed(self, content: bytes, kind: Kind) -> tuple[bytes, bool]:
        """`content` as it is given out, and whether it is signed if it should be."""
        signed = self.sign(content, kind)
        return signed, not self.sign.name or signed != content

    def _write(self, path: Path, data: bytes, content_hash: str) -> None:
        make_folder(path.parent)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
            file.write(data)
        restrict(Path(file.name))
        Path(file.name).replace(path)
        # A deletion removes the file first and then the thumbnails, so that one side notices the
        # other.
        if not self.pictures.path(content_hash).exists():
            path.unlink(missing_ok=True)
            raise StorageError("picture_missing", file=path.name)

    def delete(self, content_hash: str) -> None:
        """Remove the thumbnails of a picture, if there are any."""
        for width in WIDTHS:
            self.path(content_hash, width).unlink(missing_ok=True)
        self.originals.delete(content_hash)

    def orphans(self) -> list[Path]:
        """Files whose picture was deleted, and partial files that a crash left."""
        return [path for path in self._files() if not self._has_picture(path)]

    def _files(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        found = (*self.folder.glob("*/*"), *self.folder.glob("signed/*/*"))
        return [path for path in found if path.is_file()]

    def _has_picture(self, path: Path) -> bool:
        content_hash = path.stem.partition("-")[0]
        if path.suffix not in {".webp", ".png"} or len(content_hash) != _HASH_LENGTH:
            return False
        try:
            return self.pictures.path(content_hash).exists()
        except ValueError:
            return False


def shrink(png: bytes, width: int) -> bytes:
    """A WebP of at most `width` pixels, without the picture's text chunks.

    StorageError `picture_missing` for a damaged file.
    """
    try:
        with Image.open(io.BytesIO(png)) as opened:
            image = opened.convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise StorageError("picture_missing", file="") from error
    if image.width > width:
        height = max(1, round(image.height * width / image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=QUALITY, method=_METHOD, xmp=XMP_BYTES)
    return buffer.getvalue()
