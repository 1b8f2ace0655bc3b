"""Tags, and how suggestions show them."""

from dataclasses import dataclass
from typing import Final

from pipeline.prompt.tags import plain_key
from pipeline.prompt.weights import KAOMOJI
from pipeline.tag_category import TagCategory

MAX_LABEL: Final = 100  # characters of a choice's name, Discord's limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """One tag of a vocabulary.

    `name` is what people read and prompts contain, with spaces and plain brackets: `long hair`.
    `count` is the number of posts, 0 if unknown. `aliases` are other names of it.
    """

    name: str
    category: TagCategory
    count: int = 0
    aliases: tuple[str, ...] = ()

    @property
    def danbooru_name(self) -> str:
        """The canonical name, with underscores: `long_hair`."""
        return self.name.replace(" ", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class TagMatch:
    """A tag that a search found; `matched_alias` if its own name does not match the query."""

    tag: Tag
    matched_alias: str | None = None

    @property
    def label(self) -> str:
        """The text of a choice: `long hair (4.4M)`, or `lh → long hair (4.4M)` for an alias.

        At most 100 characters.

        If an alias makes it too long, the alias is dropped first, then the end of the name is cut:
        the label is only read, and the tag is inserted.
        """
        count = f" ({short_count(self.tag.count)})" if self.tag.count else ""
        plain = f"{self.tag.name}{count}"
        full = f"{self.matched_alias} → {plain}" if self.matched_alias else plain
        if len(full) <= MAX_LABEL:
            return full
        if len(plain) <= MAX_LABEL:
            return plain
        return f"{self.tag.name[: MAX_LABEL - len(count) - 1]}…{count}"


def display_name(name: str) -> str:
    """A Danbooru name for people: underscores become spaces, except in kaomoji."""
    name = name.strip()
    return name if name.casefold() in KAOMOJI else " ".join(name.replace("_", " ").split())


def tag_key(name: str) -> str:
    """The comparison key of a tag: case, underscores, width and spacing don't matter."""
    if name.isascii() and "_" not in name and "\\" not in name and "  " not in name:
        return name.strip().lower()  # a fast path for nearly every name
    return plain_key(name.replace("\\", "") if _escapes(name) else name)


def _escapes(name: str) -> bool:
    return "\\(" in name or "\\)" in name


def short_count(count: int) -> str:
    """A count in four characters: 873, 1.2k, 12k, 4.4M."""
    if count < 1000:
        return str(count)
    if count < 999_500:
        return _short(count / 1000) + "k"
    return _short(count / 1_000_000) + "M"


def _short(number: float) -> str:
    return f"{number:.1f}" if number < 9.95 else f"{number:.0f}"
