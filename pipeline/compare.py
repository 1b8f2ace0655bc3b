"""A comparison: one seed drawn with several values of one option, `cfg: 5 | 7 | 9`. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pipeline.errors import InputError
from pipeline.hints import MAX_HINTS
from pipeline.lora.typed import NO_LORA, parse_loras
from pipeline.options import Option, read_choice, written
from pipeline.request import OPTION, GenerationRequest, ResolvedRequest

COMPARABLE: Final = tuple(
    OPTION[field]
    for field in (
        "style", "lora", "guidance_scale", "sampler", "num_inference_steps", "preset", "speed",
    )
)  # fmt: skip
MIN_VALUES: Final = 2
MAX_VALUES: Final = 4
NONE: Final = "none"
"""Without a style or without LoRAs."""

_OPTIONAL: Final = frozenset({"style", "lora"})
_BY_NAME: Final = {each.name: each for each in COMPARABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`values` as people write them; `read` the same as a request has them."""

    option: Option
    values: tuple[str, ...]
    read: tuple[Any, ...]

    @property
    def text(self) -> str:
        """As `GenerationRequest.compare` has it."""
        return f"{self.option.name}: {' | '.join(self.values)}"

    def applied(self, request: GenerationRequest, index: int) -> GenerationRequest:
        """The request of picture `index` alone."""
        said: Any = self.read[index]
        if said is None and self.option.field == "lora":
            said = NO_LORA
        return replace(request, compare=None, count=1, **{self.option.field: said})


def comparison_of(name: str, typed: str) -> Comparison:
    """Read the values of the option `name`, between `|`, or commas where there is no `|`.

    InputError `compare_option`, `compare_count`, `compare_value` or `compare_twice`.
    """
    option = _BY_NAME.get(name.strip().casefold())
    if option is None:
        raise InputError("compare_option", value=name, choices=tuple(_BY_NAME))
    pieces = typed.split("|") if "|" in typed or option.field == "lora" else typed.split(",")
    said = [" ".join(each.split()) for each in pieces if each.strip()]
    if not MIN_VALUES <= len(said) <= MAX_VALUES:
        raise InputError("compare_count", low=MIN_VALUES, high=MAX_VALUES, count=len(said))
    read = tuple(_value(option, each) for each in said)
    if len(set(read)) < len(read):
        raise InputError("compare_twice")
    values = tuple(NONE if each is None else written(each) for each in read)
    return Comparison(option=option, values=values, read=read)


def read_comparison(text: str) -> Comparison:
    """What `Comparison.text` wrote; InputError where a later version has dropped something."""
    name, _, values = text.partition(":")
    return comparison_of(name, values)


def is_same(one: ResolvedRequest, other: ResolvedRequest) -> bool:
    """Whether they draw the same picture, however they were written: `ink | INK:0.8`."""
    return replace(one, hints=(), original=other.original) == replace(other, hints=())


def joined(wish: GenerationRequest, each: Sequence[ResolvedRequest]) -> ResolvedRequest:
    """One request of the resolved ones, which differ in one option. `wish`: where they come from.

    Its own values are those of the first; the rating is the highest, and its LoRAs are all of
    them, as they are checked before anything is drawn.
    """
    first = each[0]
    hints = dict.fromkeys(hint for one in each for hint in one.hints)
    loras = {(use.name, use.digest): use for one in each for use in one.loras}
    option = read_comparison(wish.compare or "").option.field
    original = replace(
        first.original,
        compare=wish.compare,
        count=len(each),
        seed=wish.seed,
        **{option: getattr(wish, option)},
    )
    return replace(
        first,
        original=original,
        rating=max(one.rating for one in each),
        count=len(each),
        hints=tuple(hints)[:MAX_HINTS],
        loras=tuple(loras.values()),
        compared=tuple(replace(one, hints=()) for one in each),
    )


def _value(option: Option, typed: str) -> Any:
    if option.field in _OPTIONAL and typed.casefold() == NONE:
        return None
    if option.words:
        known = {word.casefold(): word for word in option.words}
        if typed.casefold() not in known:
            raise InputError("compare_value", value=typed, choices=option.choices)
        return read_choice(option.kind, known[typed.casefold()])
    if option.kind is str:
        parse_loras(typed)
        return typed
    try:
        number = option.kind(typed.replace(",", "."))
    except ValueError:
        number = None
    low, high = option.low or 0, option.high or 0
    if number is None or not low <= number <= high:
        raise InputError("compare_number", value=typed, low=written(low), high=written(high))
    return number
