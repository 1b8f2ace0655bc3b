"""At which speed a request is drawn: as asked, by default, or refused."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.jobs.accept.decide import JobRules, decide
from bot.jobs.accept.gather import Circumstances
from bot.loras.library import LoraLibrary
from bot.loras.manifest import LoraManifest
from bot.loras.names import key_of
from bot.moderation.loras import LoraRule
from pipeline.card import Sampler, Speed
from pipeline.describe import describe
from pipeline.engine.protocol import ModelDescription
from pipeline.errors import EkakiError
from pipeline.lora.files import adapter_path
from pipeline.lora.recipe import Recipe
from pipeline.metadata.a1111_text import parameters_text
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest, decided
from pipeline.resolve import Defaults
from tests.bot.jobs.accept.test_aliases import KNOWN, NO_LIMITS
from tests.bot.jobs.accept.test_loras import ORIGIN
from tests.bot.loras.making import put
from tests.support.fake_engine import FAKE_MODEL

RECIPE = Recipe(num_inference_steps=8, guidance_scale=1.0, sampler=Sampler.LCM)
MODEL = replace(FAKE_MODEL, loras=True)


def library_in(folder: Path) -> LoraLibrary:
    found = LoraLibrary(folder)
    asyncio.run(found.refresh())
    return found


@pytest.fixture
def library(tmp_path: Path) -> LoraLibrary:
    for name in ("ink", "bold", "wash"):
        put(tmp_path, name, name.encode(), strength=0.5)
    put(tmp_path, "quick", b"quick", recipe=RECIPE, draft=True, strength=0.9)
    return library_in(tmp_path)


def drawn(
    library: LoraLibrary,
    *,
    known: Circumstances = KNOWN,
    model: ModelDescription | None = MODEL,
    default: Speed = Speed.FULL,
    prompt: str = "1girl",
    **said: Any,
) -> ResolvedRequest:
    rules = JobRules(
        defaults=Defaults(speed=default), limits=NO_LIMITS, category_of=lambda _: None,
        rating_of=lambda _: None, max_age_s=1, loras=library,
    )  # fmt: skip
    request = GenerationRequest(prompt=prompt, **said)
    return decide(request, ORIGIN, known, rules, model=model).request


def uses_of(made: ResolvedRequest) -> list[tuple[str, float, bool]]:
    return [(each.name, each.strength, each.draft) for each in made.loras]


def test_a_draft_has_its_lora_and_its_recipe(library: LoraLibrary) -> None:
    made = drawn(library, speed=Speed.DRAFT)
    assert made.speed is Speed.DRAFT
    assert uses_of(made) == [("quick", 0.9, True)]
    entry = library.get("quick")
    assert entry is not None
    assert made.loras[0].digest == entry.digest
    assert (made.num_inference_steps, made.guidance_scale, made.sampler) == (8, 1.0, Sampler.LCM)
    assert made.original.lora is None


def test_what_the_member_says_wins_over_the_recipe(library: LoraLibrary) -> None:
    made = drawn(library, prompt="1girl --speed draft --steps 6 --cfg 2 --sampler euler")
    assert (made.num_inference_steps, made.guidance_scale, made.sampler) == (6, 2.0, Sampler.EULER)
    assert made.speed is Speed.DRAFT


def test_it_does_not_count_towards_the_members_own(library: LoraLibrary) -> None:
    made = drawn(library, speed=Speed.DRAFT, lora="ink, bold, wash:1")
    assert uses_of(made) == [
        ("ink", 0.5, False), ("bold", 0.5, False), ("wash", 1.0, False), ("quick", 0.9, True),
    ]  # fmt: skip
    assert made.original.lora == "ink:0.5, bold:0.5, wash:1"


def test_named_beside_it_it_is_used_once(library: LoraLibrary) -> None:
    for prompt, lora in (("1girl", "QUICK:0.3, ink"), ("1girl <lora:quick:0.3> <lora:ink>", None)):
        made = drawn(library, prompt=prompt, lora=lora, speed=Speed.DRAFT)
        assert uses_of(made) == [("ink", 0.5, False), ("quick", 0.9, True)]
        assert "lora" not in made.prompt


def test_a_servers_list_does_not_forbid_it_but_its_rating_counts(tmp_path: Path) -> None:
    put(tmp_path, "ink")
    put(tmp_path, "quick", b"q", recipe=RECIPE, draft=True, rating=Rating.SENSITIVE)
    library = library_in(tmp_path)
    rule = LoraRule(names=frozenset({key_of("ink")}))
    here = replace(KNOWN, loras=rule, ceiling=Rating.SENSITIVE)
    made = drawn(library, known=here, speed=Speed.DRAFT, lora="ink")
    assert len(made.loras) == 2
    assert made.rating is Rating.SENSITIVE
    safe = replace(here, ceiling=Rating.SAFE)
    with pytest.raises(EkakiError) as error:
        drawn(library, known=safe, speed=Speed.DRAFT)
    assert error.value.key == "draft_above_ceiling"
    assert drawn(library, known=safe, default=Speed.DRAFT).speed is Speed.FULL


def test_without_one_a_draft_is_refused_and_a_default_is_passed_over(tmp_path: Path) -> None:
    put(tmp_path, "ink")
    library = library_in(tmp_path)
    with pytest.raises(EkakiError) as error:
        drawn(library, speed=Speed.DRAFT)
    assert error.value.key == "draft_none"
    made = drawn(library, default=Speed.DRAFT)
    assert (made.speed, made.loras, made.num_inference_steps) == (Speed.FULL, (), 28)


def test_a_model_that_takes_no_loras_draws_no_drafts(library: LoraLibrary) -> None:
    model = replace(MODEL, loras=False)
    with pytest.raises(EkakiError) as error:
        drawn(library, model=model, speed=Speed.DRAFT)
    assert error.value.key == "draft_none"
    assert drawn(library, model=model, default=Speed.DRAFT).speed is Speed.FULL


def test_one_whose_file_is_gone_is_refused(library: LoraLibrary) -> None:
    entry = library.get("quick")
    assert entry is not None
    adapter_path(library.folder, entry.digest).unlink()
    asyncio.run(library.refresh())
    with pytest.raises(EkakiError) as error:
        drawn(library, speed=Speed.DRAFT)
    assert error.value.key == "draft_unusable"


def test_balanced_is_only_for_models_that_can(library: LoraLibrary) -> None:
    with pytest.raises(EkakiError) as error:
        drawn(library, speed=Speed.BALANCED)
    assert error.value.key == "balanced_none"
    can = replace(MODEL, balanced=True)
    assert drawn(library, model=can, speed=Speed.BALANCED).speed is Speed.BALANCED
    assert drawn(library, model=None, speed=Speed.BALANCED).speed is Speed.BALANCED


def test_a_draft_is_stored_repeated_and_described(library: LoraLibrary) -> None:
    made = drawn(library, speed=Speed.DRAFT, lora="ink")
    assert ResolvedRequest.from_json(made.to_json()) == made
    again = drawn(library, **decided(made))
    assert (again.loras, again.speed) == (made.loras, made.speed)
    assert ("speed", "draft") in describe(made)
    text = parameters_text(made, index=0, model_name="m", model_hash="h", version="v")
    assert "Speed: draft" in text
    assert "<lora:quick:0.9>" in text


def test_a_picture_in_full_is_repeated_in_full(library: LoraLibrary) -> None:
    made = drawn(library)
    assert made.speed is Speed.FULL
    assert drawn(library, default=Speed.DRAFT, **decided(made)).speed is Speed.FULL
    assert "speed" not in dict(describe(made))
    text = parameters_text(made, index=0, model_name="m", model_hash="h", version="v")
    assert "Speed" not in text


def test_requests_of_before_read_as_full() -> None:
    stored = (
        '{"prompt": "a", "negative_prompt": "", "width": 64, "height": 64, "preset": "None",'
        ' "rating": "nsfw", "sampler": "DDIM", "num_inference_steps": 5, "guidance_scale": 6,'
        ' "seed": 7, "count": 2, "private": false, "wish": {"prompt": "a"}}'
    )
    assert ResolvedRequest.from_json(stored).speed is Speed.FULL


def test_a_manifest_says_that_it_is_for_drafts(tmp_path: Path) -> None:
    manifest = put(tmp_path, "quick", recipe=RECIPE, draft=True)
    assert LoraManifest.from_json(manifest.to_json()) == manifest
    without = replace(manifest, recipe=Recipe()).to_json()
    with pytest.raises(ValueError, match="how many steps"):
        LoraManifest.from_json(without)
