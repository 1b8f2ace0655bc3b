"""Labels of suggestions, and what they mean.

Discord's clients put the name of a picked choice, not its value, into the field, where people go on
typing; at times they also send the name instead of the value. So a name must say all that the
value says. It begins with what differs from row to row, the tag; what was typed before it stands
behind, in the angle quotes that hold everything that is no part of the tag:

    smile ‹2.4M ← 1girl, long hair›,
"""

import re
from collections.abc import Sequence
from typing import Final

from pipeline.tags.complete import Completion, ends_before_a_piece

_OPEN: Final = "‹"
_CLOSE: Final = "›"
_BEFORE: Final = "←"
_GLUE: Final = ", "
_MARK: Final = re.compile(r"[ \t]?‹(?P<remarks>[^‹›←]*)(?:← ?(?P<head>[^‹›]*))?(?:›|\Z|(?=‹))")
_MAX_LABELS: Final = 20  # per text; more are not our labels
_NO_REMARK: Final = str.maketrans(dict.fromkeys(_OPEN + _CLOSE + _BEFORE))


def label(completed: Completion, remarks: Sequence[str], *, head: str | None = None) -> str:
    """The name of the choice for a completed prompt; `meant` returns the prompt. `head` replaces
    the displayed head of the completed prompt."""
    said = " · ".join(each.translate(_NO_REMARK) for each in remarks if each)
    head = shown_head(completed.head) if head is None else head
    marks = " ".join(each for each in (said, f"{_BEFORE} {head}" if head else "") if each)
    return completed.name + (f" {_OPEN}{marks}{_CLOSE}" if marks else "") + completed.tail


def meant(typed: str) -> str:
    """`typed` with its labels replaced by their prompts, without remarks."""
    for _ in range(_MAX_LABELS):
        mark = _MARK.search(typed)
        if mark is None:
            return typed
        before, after = typed[: mark.start()], typed[mark.end() :]
        head = mark["head"] or ""
        glue = _GLUE if head and not ends_before_a_piece(head) else ""
        typed = head + glue + before + after
    return _MARK.sub("", typed)


def shown_head(head: str) -> str:
    """How a label shows it: without the comma and blank at its end, which `meant` puts back."""
    short = head.removesuffix(_GLUE)
    return head if not short or ends_before_a_piece(short) else short
