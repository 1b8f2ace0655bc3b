"""What kind of thing a Danbooru tag names."""

from enum import IntEnum


class TagCategory(IntEnum):
    """Danbooru's tag categories, numbered as in the tagcomplete CSV. Stored as the integer."""

    GENERAL = 0
    ARTIST = 1
    COPYRIGHT = 3
    CHARACTER = 4
    META = 5
