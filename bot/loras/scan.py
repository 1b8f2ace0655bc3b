"""Reads the folder of LoRAs: manifests, and whether the weights are still those that were added."""

import errno
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.common.wording import words
from bot.loras.manifest import MAX_BYTES, LoraManifest, StoredFile
from bot.loras.names import check_name, key_of
from pipeline.errors import EkakiError, StorageError
from pipeline.lora.files import adapter_path
from pipeline.lora.recipe import NO_RECIPE, Recipe
from pipeline.rating import Rating

PREVIEWS: Final = (".webp", ".png")
LOCK: Final = "loras.lock"
"""In every folder that was changed with `bot lora`, also when its last LoRA was removed: without it
an empty folder may be one whose disk is not mounted."""
GONE_OR_EMPTY: Final = (
    "the folder is gone or empty. Mount its disk; if it was emptied on purpose, say so with: "
    "python -m bot lora check --empty"
)

Stamp = tuple[int, int]
"""Size in bytes and time of the last change (ns) of a file; -1 if that can't be read."""
_UNREAD: Final[Stamp] = (-1, -1)
_UNKNOWN_RATING: Final = max(Rating)
"""Of an entry that can't be read: nobody may learn its name where its rating might be too high."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraEntry:
    """A LoRA of the library. `digest`: SHA-256 (hex) of the adapter file, which is
    `<digest>.safetensors`. `strength`: the one to use if none is said. `recipe`: settings to use
    where none are said. `hash`: the first twelve
    digits of what A1111 writes as `Lora hashes`, "" if unknown. `rank`: the highest of its layers'.
    `draft`: drafts are drawn with it. `size_bytes`: of the adapter file. `problem`: why it can't be
    used now, as a sentence; empty if it can. `may_pass`: its files are there, but could not be
    read."""

    name: str
    digest: str
    triggers: tuple[str, ...] = ()
    strength: float = 1.0
    rating: Rating = Rating.SAFE
    licence: str = ""
    source: str = ""
    author: str = ""
    base: str = ""
    recipe: Recipe = NO_RECIPE
    draft: bool = False
    hash: str = ""
    rank: int = 0
    size_bytes: int = 0
    preview: Path | None = None
    problem: str = ""
    may_pass: bool = False


def manifest_path(folder: Path, name: str) -> Path:
    """Where what is known about a LoRA is."""
    return folder / f"{name}.json"


def read_manifest(path: Path) -> LoraManifest:
    """StorageError `lora_manifest` if it can't be used."""
    try:
        if path.exists() and not path.is_file():
            raise ValueError("it is no file")  # noqa: TRY301
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it is larger than {MAX_BYTES} bytes")  # noqa: TRY301
        return LoraManifest.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        problem, cause = error.strerror or str(error), error
    except ValueError as error:
        problem, cause = str(error), error
        if isinstance(error, UnicodeDecodeError):
            problem = "it is not UTF-8"
    raise StorageError("lora_manifest", path=str(path), problem=problem) from cause


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Scanner:
    """Reads the folder again and again; hashes a file only if its size or time changed. `family`:
    that of the model in use, "" if unknown."""

    def __init__(self, folder: Path, *, family: str = "") -> None:
        self.folder = folder
        self._family = family
        self._seen: Mapping[str, Stamp] | None = None
        self._hashes: dict[str, tuple[Stamp, str]] = {}
        self._entries: tuple[LoraEntry, ...] = ()

    def scan(self) -> tuple[LoraEntry, ...]:
        """All entries, by name. The same object if nothing changed. Raises OSError, also if there
        were entries and the folder is gone: it may be on a disk that is not mounted now."""
        seen = _stamps(self.folder)
        if self._entries and not _is_library(seen):
            raise FileNotFoundError(errno.ENOENT, GONE_OR_EMPTY)
        # A problem may be solved without a trace in sizes and times: permissions, a mounted disk.
        if seen != self._seen or any(entry.problem for entry in self._entries):
            entries = self._read(seen)
            self._entries = self._entries if entries == self._entries else entries
            self._seen = seen
        return self._entries

    def _read(self, seen: Mapping[str, Stamp]) -> tuple[LoraEntry, ...]:
        found: dict[str, LoraEntry] = {}
        for file in sorted(seen):
            if not file.endswith(".json"):
                continue
            entry = self._entry(file.removesuffix(".json"), seen)
            found.setdefault(key_of(entry.name), entry)
        return tuple(found[key] for key in sorted(found))

    def _entry(self, name: str, seen: Mapping[str, Stamp]) -> LoraEntry:
        try:
            check_name(name)
            manifest = read_manifest(manifest_path(self.folder, name))
        except EkakiError as error:
            may_pass = _is_unread(error)
            # A name on disk may have bytes that are no UTF-8, and Discord takes only that.
            shown = name.encode(errors="replace").decode()
            return LoraEntry(
                name=shown,
                digest="",
                rating=_UNKNOWN_RATING,
                problem=words(error),
                may_pass=may_pass,
            )
        previews = [name + suffix for suffix in PREVIEWS if name + suffix in seen]
        problem, may_pass = "", False
        try:
            self._check_family(manifest)
            self._check(manifest.adapter, seen)
        except StorageError as error:
            problem, may_pass = words(error), _is_unread(error)
        return LoraEntry(
            name=name,
            digest=manifest.adapter.sha256,
            triggers=manifest.triggers,
            strength=manifest.strength,
            rating=manifest.rating,
            licence=manifest.licence,
            source=manifest.source,
            author=manifest.author,
            base=manifest.base,
            recipe=manifest.recipe,
            draft=manifest.draft,
            hash=manifest.values_sha256[:12],
            rank=manifest.rank,
            size_bytes=manifest.adapter.size_bytes,
            preview=self.folder / previews[0] if previews else None,
            problem=problem,
            may_pass=may_pass,
        )

    @property
    def is_library(self) -> bool:
        """Whether the folder had a library in it when it was last read."""
        return self._seen is not None and _is_library(self._seen)

    def _check_family(self, manifest: LoraManifest) -> None:
        """StorageError if it was converted for a model with other layers."""
        if self._family and manifest.family not in {"", self._family}:
            raise StorageError("lora_other_layers", original=manifest.original.name)

    def _check(self, stored: StoredFile, seen: Mapping[str, Stamp]) -> None:
        """StorageError if the weights are not there or not what was added."""
        path = adapter_path(self.folder, stored.sha256)
        stamp = seen.get(path.name)
        if stamp is None:
            raise StorageError("lora_weights_missing", path=str(path))
        if stamp != _UNREAD and stamp[0] != stored.size_bytes:
            raise StorageError("lora_weights_changed", path=str(path))
        if stamp[1] == stored.mtime_ns:
            return
        known = self._hashes.get(path.name)
        if known is None or known[0] != stamp:
            try:
                known = stamp, file_hash(path)
            except OSError as error:
                problem = error.strerror or str(error)
                raise StorageError(
                    "lora_weights_unreadable", path=str(path), problem=problem
                ) from error
            self._hashes[path.name] = known
        if known[1] != stored.sha256:
            raise StorageError("lora_weights_changed", path=str(path))


def _is_library(seen: Mapping[str, Stamp]) -> bool:
    return LOCK in seen or any(file.endswith(".json") for file in seen)


def _is_unread(error: EkakiError) -> bool:
    """Whether reading a file failed, rather than what is in it."""
    return isinstance(error.__cause__, OSError)


def _stamps(folder: Path) -> dict[str, Stamp]:
    """Our files in the folder; none if there is no folder."""
    found: dict[str, Stamp] = {}
    suffixes = (".json", ".safetensors", LOCK, *PREVIEWS)
    try:
        paths: Sequence[Path] = list(folder.iterdir())
    except FileNotFoundError:
        return found
    for path in paths:
        if path.name.endswith(suffixes) and not path.name.startswith("."):
            try:
                stat = path.stat()
            except FileNotFoundError:  # removed meanwhile, or a link to nothing
                continue
            except OSError:  # a damaged file must not hide the others
                found[path.name] = _UNREAD
                continue
            found[path.name] = stat.st_size, stat.st_mtime_ns
    return found
