"""The four ratings of the model card, in order of severity."""

from enum import IntEnum


class Rating(IntEnum):
    """How suitable a picture is for whom. Ordered: `min` of several ratings is the strictest.

    Levels and their Danbooru names are from the model card's table of rating modifiers.
    Stored in the database as the integer.
    """

    SAFE = 0
    SENSITIVE = 1
    NSFW = 2
    EXPLICIT = 3

    @property
    def label(self) -> str:
        """The word people type and read: `safe`, `sensitive`, `nsfw`, `explicit`."""
        return self.name.lower()

    @classmethod
    def from_label(cls, label: str) -> "Rating":
        """The rating named `label`; ValueError where there is none."""
        try:
            return cls[label.strip().upper()]
        except KeyError:
            raise ValueError(f"no rating is called {label!r}") from None
