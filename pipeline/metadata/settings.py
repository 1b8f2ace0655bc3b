"""The settings in a file's metadata, as fields of a request."""

from typing import Any, Final

from pipeline.card import MAX_SEED, QualityPreset
from pipeline.metadata.bounds import parse_integer, parse_number
from pipeline.metadata.parameters import Parameters
from pipeline.options import Option, read_choice, written
from pipeline.request import OPTIONS

_MAX_SIDE: Final = 100_000  # pixels: a file that says more says nothing


def settings_of(said: Parameters) -> dict[str, Any]:
    """Fields of a request; None where the file says nothing usable. Its prompt is complete, as the
    model got it, so no quality preset is added again."""
    found = {each.field: _value(said, each) for each in OPTIONS if each.a1111}
    width, height, seed = said.width, said.height, said.seed
    sized = all(side is not None and 0 < side <= _MAX_SIDE for side in (width, height))
    return {
        **found,
        "seed": seed if seed is not None and 0 <= seed <= MAX_SEED else None,
        "aspect": f"{width}x{height}" if sized else None,
        "preset": QualityPreset.NONE,
    }


def _value(said: Parameters, option: Option) -> Any:
    """As the reader of the program's text understood it, else what A1111's text says."""
    if hasattr(said, option.field):
        return getattr(said, option.field)
    if option.words:  # what only we write
        word = said.pairs.get(option.a1111, "")
        return read_choice(option.kind, word) if word in option.words else None
    if option.kind is bool:
        return said.pairs.get(option.a1111) == written(True) or None
    parse = parse_integer if option.kind is int else parse_number
    return parse(said.pairs.get(option.a1111, ""))
