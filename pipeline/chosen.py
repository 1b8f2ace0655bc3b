"""What was chosen for one picture of a request whose prompt has choices (`{red|blue} hair`)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from pipeline.jsonfields import JsonFields
from pipeline.regions import Region, regions_from_json, regions_to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`prompt`, `negative_prompt` and those of `regions` are final texts, as in a resolved request.
    `typed`: pairs of a field of the request and its text after choosing, for the fields with
    choices. `words`: what each choice became, in order."""

    prompt: str
    negative_prompt: str
    typed: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()


def chosen_to_json(chosen: Iterable[Chosen]) -> list[dict[str, object]]:
    return [
        {
            "prompt": each.prompt,
            "negative_prompt": each.negative_prompt,
            "typed": dict(each.typed),
            "words": list(each.words),
            **({"regions": regions_to_json(each.regions)} if each.regions else {}),
        }
        for each in chosen
    ]


def chosen_from_json(stored: JsonFields, name: str) -> tuple[Chosen, ...]:
    """Read what `chosen_to_json` returned; none if `name` is missing. ValueError for anything else:
    the pictures would be others."""
    if name not in stored:
        return ()
    rows = cast("list[object]", stored.of_type(name, list))
    return tuple(_chosen(JsonFields.of(row)) for row in rows)


def _chosen(stored: JsonFields) -> Chosen:
    typed = cast("dict[str, object]", stored.of_type("typed", dict))
    return Chosen(
        prompt=stored.of_type("prompt", str),
        negative_prompt=stored.of_type("negative_prompt", str),
        typed=tuple((field, str(text)) for field, text in typed.items()),
        words=tuple(map(str, stored.rows("words"))),
        regions=regions_from_json(stored, "regions"),
    )
