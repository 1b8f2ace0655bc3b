"""The hard rules apply to the tag of an alias, and to the alias as it was typed."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.jobs.accept.decide import JobRules, decide
from bot.jobs.accept.gather import Circumstances
from bot.jobs.accept.limits import Limits
from bot.jobs.values import Origin
from bot.moderation.loras import LoraRule
from bot.safety.ceiling import Place, PlaceKind
from data.guilds.server_settings import LimitSet, PlaceRatings, Words
from data.people.user_defaults import UserDefaults
from pipeline.errors import RefusedError
from pipeline.hints import HintKind
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults

ORIGIN = Origin(
    user_id=1, guild_id=2, channel_id=3, place=Place(kind=PlaceKind.GUILD_TEXT), application_id=4,
    interaction_token="", token_expires_at=0,
)  # fmt: skip
KNOWN = Circumstances(
    ceiling=Rating.SAFE,
    ratings=PlaceRatings(),
    person=UserDefaults(),
    words=Words(),
    here=LimitSet(),
    presets=(),
    place_negative=None,
    loras=LoraRule(),
    init_size=None,
)
NO_LIMITS = Limits(
    pictures_per_hour=0, pictures_per_day=0, waiting_jobs_per_user=0, waiting_jobs_total=0
)


def drawn(alias_of: Callable[[str], str | None], **request: Any) -> ResolvedRequest:
    rules = JobRules(
        defaults=Defaults(), limits=NO_LIMITS, category_of=lambda _: None,
        rating_of=lambda _: None, max_age_s=1, alias_of=alias_of,
    )  # fmt: skip
    return decide(GenerationRequest(**request), ORIGIN, KNOWN, rules, model=None).request


@pytest.mark.parametrize(
    ("aliases", "asked"),
    [
        ({"small fry": "loli"}, {"prompt": "1girl, small fry"}),
        ({"small fry": "loli"}, {"prompt": "1girl", "tags": "(small fry:1.2)"}),
        ({"small fry": "loli"}, {"prompt": "1girl", "character": "small fry"}),
        ({"loli": "smile"}, {"prompt": "1girl, loli"}),
        ({"loli": "smile"}, {"prompt": "1girl", "negative_prompt": "(loli:-1)"}),
        ({"lo li": "smile"}, {"prompt": "1girl, lo li"}),
    ],
)
def test_neither_slips_through(aliases: dict[str, str], asked: dict[str, str]) -> None:
    with pytest.raises(RefusedError, match="rule_minor_coded"):
        drawn(aliases.get, **asked)


def test_a_harmless_one_is_drawn_and_the_request_stays_as_typed() -> None:
    request = drawn({"smiling": "smile"}.get, prompt="1girl, smiling")
    assert request.prompt.startswith("1girl, smile, ")
    assert request.original.prompt == "1girl, smiling"
    assert HintKind.ALIAS in {hint.kind for hint in request.hints}
