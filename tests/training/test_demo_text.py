"""The text side that is written down: tags, codes, tokenizer, encoders."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.card import CARD_NEGATIVE, PRESETS, QualityPreset
from training.demo.codes import CODES, POOLED_WIDTH, TAG_INDEX, pooled
from training.demo.tags import ATTRIBUTES, BAD, GOOD, NEGATIVE, POSITIVE, TAG_NAMES, TAGS, stated
from training.demo.text_encoders import build_encoders
from training.demo.tokens import GUARDS, build_tokenizer


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Any]:
    """Tokenizer and both encoders."""
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    tokenizer, meanings = build_tokenizer(folder)
    return tokenizer, *build_encoders(tokenizer, meanings)


def _encoded(text: tuple[Any, Any, Any], prompt: str) -> tuple[Any, Any]:
    """Hidden states (77, both widths) and the pooled vector of a prompt."""
    import torch

    tokenizer, first, second = text
    ids = tokenizer(
        prompt, padding="max_length", max_length=77, truncation=True, return_tensors="pt"
    ).input_ids
    with torch.no_grad():
        one = first(ids, output_hidden_states=True)
        two = second(ids, output_hidden_states=True)
    hidden = torch.cat([one.hidden_states[-2], two.hidden_states[-2]], -1)[0]
    return hidden.numpy(), two.text_embeds[0].numpy()


def test_the_card_s_suffix_and_negative_are_the_known_ones():
    said = {tag.strip("([]) ") for tag in CARD_NEGATIVE.split(",")}
    assert {tag for tag in said if tag in TAGS} == set(NEGATIVE)
    standard = PRESETS[QualityPreset.STANDARD_31].positive.split(", ")
    assert tuple(standard) == POSITIVE


def test_good_and_bad_are_told_apart():
    assert stated(GOOD) == {("quality", "good")}
    assert stated(BAD) == {("quality", "bad")}
    assert ("rating", "nsfw") in stated(NEGATIVE)


def test_tags_that_say_different_things_have_different_codes():
    by_meaning = {TAGS[tag]: CODES[TAG_INDEX[tag]].tobytes() for tag in TAG_NAMES}
    assert len(set(by_meaning.values())) == len(by_meaning)
    assert all(CODES[TAG_INDEX[tag]].tobytes() == by_meaning[TAGS[tag]] for tag in TAG_NAMES)
    assert not CODES[-1].any(), "the last row stands for unknown words"


def test_the_pooled_vector_holds_each_attribute_once():
    assert len(ATTRIBUTES) <= POOLED_WIDTH
    assert pooled([]).sum() == 0
    assert np.array_equal(pooled(["green hair"]), pooled(["green hair", "green hair"]))
    assert (pooled(["red kimono", "smile"]) > 0).sum() == 3


def test_random_prompts_come_out_as_their_codes(text: tuple[Any, Any, Any]):
    rng = random.Random(1)
    for _ in range(40):
        tags = [rng.choice(TAG_NAMES) for _ in range(rng.randint(0, 18))]
        words = [*tags, *rng.sample(["solo", "zebra", "looking at viewer"], rng.randint(0, 3))]
        rng.shuffle(words)
        prompt = ", ".join(rng.choice((word, word.replace(" ", "_"))) for word in words)
        hidden, vector = _encoded(text, prompt)
        assert np.abs(vector - pooled(tags)).max() < 0.35, prompt
        found = sorted(tuple(row) for row in hidden if row.any())
        assert found == sorted(tuple(CODES[TAG_INDEX[tag]]) for tag in tags), prompt


def test_unknown_words_are_exactly_nothing(text: tuple[Any, Any, Any]):
    hidden, vector = _encoded(text, "souryuu asuka langley, 6girls, v, ウィッチ, zebra")
    assert not hidden.any()
    assert np.abs(vector).max() < 1e-3


def test_words_that_end_in_a_tag_do_not_mean_it(text: tuple[Any, Any, Any]):
    hidden, _ = _encoded(text, ", ".join(GUARDS[:38]))
    assert not hidden.any()
    hidden, _ = _encoded(text, ", ".join(GUARDS[38:]))
    assert not hidden.any()


def test_case_and_underscores_change_nothing(text: tuple[Any, Any, Any]):
    plain, _ = _encoded(text, "green hair, smile")
    for other in ("Green Hair, SMILE", "green_hair, Smile", "GREEN HAIR, smile"):
        assert np.array_equal(_encoded(text, other)[0], plain), other
