"""Hints about a prompt, shown with the picture: what was left out or read differently."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MAX_HINTS: Final = 12
"""Of one request; more would bury the picture."""
MAX_TYPED: Final = 80  # characters of a prompt that a hint repeats
_MAX_ADDED: Final = 100  # also of hints that say the same: a prompt has room for a thousand


class HintKind(StrEnum):
    """The reason of a hint. Each has a text in the catalogue, `[hints] <value>`."""

    LORA = "lora"
    HYPERNET = "hypernet"
    EMBEDDING = "embedding"
    WILDCARD = "wildcard"
    FLAG = "flag"
    LINK = "link"
    DISCORD = "discord"
    COMMENT = "comment"
    UNKNOWN = "unknown"
    REGION = "region"
    COMPOSED = "composed"
    PARTS = "parts"
    ALTERNATING = "alternating"
    EDITING = "editing"
    UNCHANGING = "unchanging"
    VARIANTS = "variants"
    SWAP = "swap"
    WEIGHT_READ = "weight_read"
    WEIGHT_WRONG = "weight_wrong"
    WEIGHT_WORD = "weight_word"
    ALIAS = "alias"
    SERIES = "series"
    NO_TAG = "no_tag"
    LORA_PLACE = "lora_place"
    LORA_DEFAULT = "lora_default"
    TRIGGER = "trigger"
    RECIPE = "recipe"
    RECIPE_UNUSED = "recipe_unused"
    SAMPLER = "sampler"
    OWN_SEED = "own_seed"


_KINDS: Final = frozenset(map(str, HintKind))


@dataclass(frozen=True, slots=True)
class Hint:
    """`typed` is what was in the prompt, `used` what was drawn instead, "" for nothing."""

    kind: HintKind
    typed: str
    used: str = ""


def hints_to_json(hints: tuple[Hint, ...]) -> list[list[str]]:
    return [[str(each.kind), each.typed, each.used] for each in hints]


def hints_from_json(rows: list[object]) -> tuple[Hint, ...]:
    """Read what `hints_to_json` returned. Unknown hints of other versions are left out."""
    return tuple(hint for row in rows if (hint := _hint(row)) is not None)


def _hint(row: object) -> Hint | None:
    match row:
        case [str(kind), str(typed), str(used)] if kind in _KINDS:
            return Hint(HintKind(kind), typed, used)
        case _:
            return None


class Hints:
    """Collects hints: each once, a few, short. Those in `found` come first."""

    def __init__(self, found: tuple[Hint, ...] = ()) -> None:
        self._found: dict[Hint, None] = dict.fromkeys(found)
        self._added = 0

    def add(self, kind: HintKind, typed: str, used: str = "") -> None:
        if not self.are_full:
            self._added += 1
            self._found[Hint(kind, shortened(typed), shortened(used))] = None

    @property
    def are_full(self) -> bool:
        return len(self._found) >= MAX_HINTS or self._added >= _MAX_ADDED

    @property
    def found(self) -> tuple[Hint, ...]:
        return tuple(self._found)


def shortened(text: str) -> str:
    """`text` on one line, cut to the length that a hint repeats."""
    line = " ".join(text.split())
    return line if len(line) <= MAX_TYPED else line[: MAX_TYPED - 1] + "…"
