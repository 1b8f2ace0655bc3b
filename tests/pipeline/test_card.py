import json
from typing import Any

import pytest

from pipeline.card import (
    CARD_NEGATIVE,
    EXAMPLE_PROMPTS,
    PRESETS,
    RATING_TAGS,
    SCHEDULERS,
    STYLES,
    Aesthetic,
    Quality,
    QualityPreset,
    Sampler,
    Style,
    Year,
)
from pipeline.prompt.pieces import close_brackets
from pipeline.rating import Rating
from tests.support.card_facts import FACTS, SEEDS, extract, hash_of


def test_every_member_of_every_closed_set_has_its_row() -> None:
    assert set(RATING_TAGS) == set(Rating)
    assert set(PRESETS) == set(QualityPreset)
    assert set(STYLES) == set(Style)
    assert set(SCHEDULERS) == set(Sampler)


def test_samplers_are_those_of_the_official_demo() -> None:
    """Both engines read the same table, so their comparison would not see two rows swapped."""
    karras = {"use_karras_sigmas": True}
    demo: dict[str, tuple[str, dict[str, Any]]] = {
        "Euler a": ("EulerAncestralDiscreteScheduler", {}),
        "Euler": ("EulerDiscreteScheduler", {}),
        "DDIM": ("DDIMScheduler", {}),
        "DPM++ 2M Karras": ("DPMSolverMultistepScheduler", karras),
        "DPM++ 2M SDE Karras": (
            "DPMSolverMultistepScheduler",
            {**karras, "algorithm_type": "sde-dpmsolver++"},
        ),
        "DPM++ SDE Karras": ("DPMSolverSinglestepScheduler", karras),
    }
    ours = {sampler.value: (row.name, dict(row.changes)) for sampler, row in SCHEDULERS.items()}
    assert demo.items() <= ours.items()


def test_samplers_for_few_steps_are_those_of_diffusers() -> None:
    rows = {
        sampler.value: (row.name, dict(row.changes), row.distilled)
        for sampler, row in SCHEDULERS.items()
        if not row.listed
    }
    assert rows == {
        "Euler SGM Uniform": ("EulerDiscreteScheduler", {"timestep_spacing": "trailing"}, False),
        "LCM": ("LCMScheduler", {}, True),
        "TCD": ("TCDScheduler", {}, True),
    }


def test_texts_that_we_add_have_balanced_brackets_and_no_stray_commas() -> None:
    texts = [text for p in PRESETS.values() for text in (p.positive, p.negative)]
    texts += [text for s in STYLES.values() for text in (s.positive, s.negative)]
    for text in texts:
        assert close_brackets(text) == text
        assert text == "" or all(tag.strip() for tag in text.split(","))
        assert text == text.strip()


def test_all_negatives_begin_with_the_word_that_a_rating_can_take_out() -> None:
    assert all(p.negative.split(", ")[0] == "nsfw" for p in PRESETS.values())


def test_words_are_those_of_the_model_card() -> None:
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    words = (*Quality, *Year, *Aesthetic, *RATING_TAGS.values())
    assert {*words} <= {*facts["words"]}
    prompts = (CARD_NEGATIVE, PRESETS[QualityPreset.STANDARD_31].positive, EXAMPLE_PROMPTS[0])
    assert {hash_of(prompt) for prompt in prompts} <= {*facts["prompts"]}


def test_the_facts_are_those_of_the_model_card() -> None:
    """Else: `python -m tests.support.card_facts CARD`."""
    cards = sorted(SEEDS.glob("*.txt")) if SEEDS.is_dir() else []
    if not cards:
        pytest.skip("the model card is not beside this repository")
    assert json.loads(FACTS.read_text("utf-8")) == extract(cards[0].read_text("utf-8"))
