"""Text as it is searched."""

import unicodedata


def searchable(text: str) -> str:
    """`text` with case, width of letters, underscores and escapes normalised."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return plain.replace("_", " ").replace("\\", "").replace("\0", "")  # NUL ends SQLite's LIKE
