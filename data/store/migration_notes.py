"""What each migration is for: the first sentence of the comment that it begins with."""

import re
from typing import Final

from data.store.database import migrations

_COMMENT: Final = re.compile(r"\s*--\s?(.*)")
_SENTENCE: Final = re.compile(r"(.+?\.)(?:\s|$)")


def sentence(sql: str) -> str:
    """The first sentence of the leading comment; empty if there is none."""
    lines: list[str] = []
    for line in sql.splitlines():
        comment = _COMMENT.fullmatch(line)
        if comment is None:
            break
        lines.append(comment[1].strip())
    text = " ".join(lines)
    found = _SENTENCE.match(text)
    return found[1] if found else text


def after(version: int) -> list[tuple[int, str]]:
    """(version, what it is for) of the migrations that a database of `version` still needs."""
    return [(number, sentence(sql)) for number, sql in migrations() if number > version]
