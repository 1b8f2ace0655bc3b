"""The properties of an option of a request, besides its field and type.

The table itself is `pipeline.request.OPTIONS`: each field of `GenerationRequest` that is an option
has its row in its annotation. The command, flags, saved presets, the settings line, the description
and metadata are made from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import Enum
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from pipeline.rating import Rating


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One row. `field`, `kind` (its type without None) and `default` come from the field itself.

    `name` is what it is called in Discord, and `flags` at the end of a prompt, the usual one first.
    `low` and `high` bound a number, or the length of a text. `label` names its texts
    (`errors.<label>_out_of_range`,
    `describe.<label>`, `left_out.<label>`; `name` those of the command (`preset.<name>`). `a1111`
    is its name in A1111's text about a picture.

    `in_preset`: kept in a saved preset. `in_me`: `/me` has a default for it. `decided`: a field of
    `ResolvedRequest` too, which whatever is drawn again says as it was decided; where nothing is
    said, it is what `pipeline.resolve.Defaults` or the field itself has. `unlisted`: members of a
    closed list that are accepted, but not offered. `suggested`: those of a closed list are offered
    while somebody types, as what can be chosen differs from place to place.
    """

    name: str = ""
    flags: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    label: str = ""
    a1111: str = ""
    in_preset: bool = True
    in_me: bool = False
    decided: bool = False
    unlisted: frozenset[Any] = frozenset()
    suggested: bool = False
    field: str = ""
    kind: type[Any] = str
    default: Any = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words of a closed list; empty for others."""
        return tuple(map(written, self.kind)) if issubclass(self.kind, Enum) else ()

    @property
    def choices(self) -> tuple[str, ...]:
        """Those of them that are offered."""
        hidden = set(map(written, self.unlisted))
        return tuple(word for word in self.words if word not in hidden)


def written(value: object) -> str:
    """As people write it: a rating by its label, a number without superfluous digits, `true`."""
    if isinstance(value, Rating):
        return value.label
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def read_choice(kind: type[Any], word: str) -> Any:
    """The member of the closed list `kind` stored as `word`; ValueError if there is none."""
    return Rating.from_label(word) if kind is Rating else kind(word)


@cache
def kinds(of: type[Any]) -> Mapping[str, type[Any]]:
    """The type of each field of a dataclass, without None and without its row."""
    return {each.name: _kind(each.type) for each in fields(of)}


def _kind(annotation: Any) -> type[Any]:
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    said = [each for each in get_args(annotation) if each is not type(None)]
    return said[0] if type(None) in get_args(annotation) else annotation


def options_of(of: type[Any]) -> tuple[Option, ...]:
    """The rows of a dataclass, in the order of its fields."""
    return tuple(
        replace(
            row,
            field=each.name,
            kind=kinds(of)[each.name],
            default=each.default,
            name=row.name or each.name,
            label=row.label or row.name or each.name,
        )
        for each in fields(of)
        for row in get_args(each.type)
        if isinstance(row, Option)
    )
