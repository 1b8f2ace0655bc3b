"""What kohya's notes and the model metadata standard suggest; nothing there can break anything."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.loras.metadata import Suggestion, split_triggers, suggest


def tags(**sets: dict[str, int]) -> str:
    return json.dumps({name.removeprefix("n"): found for name, found in sets.items()})


def test_a_word_at_all_pictures_triggers() -> None:
    found = suggest(
        {
            "ss_tag_frequency": tags(n10_ink={"sumi-e": 40, "1girl": 40, "smile": 9, "hat": 39}),
            "ss_dataset_dirs": json.dumps({"10_ink": {"n_repeats": 10, "img_count": 40}}),
        }
    )
    assert found.triggers == ("sumi-e",)


def test_without_the_number_of_pictures_the_most_frequent_counts() -> None:
    found = suggest({"ss_tag_frequency": tags(n1_x={"my_style": 12, "hat": 11})})
    assert found.triggers == ("my style",)


def test_a_set_where_everything_is_everywhere_suggests_what_its_folder_is_called() -> None:
    same = {"mika": 30, "blue eyes": 30, "halo": 30, "pink hair": 30}
    assert suggest({"ss_tag_frequency": tags(n5_mika=same)}).triggers == ("mika",)
    assert suggest({"ss_tag_frequency": tags(n5_other=same)}).triggers == ()


def test_a_noted_phrase_comes_first() -> None:
    found = suggest(
        {
            "modelspec.trigger_phrase": "ink wash,  brush",
            "ss_tag_frequency": tags(n1_x={"other": 3}),
        }
    )
    assert found.triggers == ("ink wash", "brush")


@pytest.mark.parametrize(
    ("file", "base", "is_anime"),
    [
        ("animagine-xl-3.1.safetensors", "Animagine XL", True),
        ("C:\\models\\ponyDiffusionV6XL.safetensors", "Pony", True),
        ("/m/Illustrious-XL-v0.1.safetensors", "Illustrious", True),
        ("waiNSFWIllustrious_v120.safetensors", "Illustrious", True),
        ("noobaiXLNAIXL_vPred10.safetensors", "NoobAI", True),
        ("ekaki-demo", "Ekaki demo", True),
        ("sd_xl_base_1.0.safetensors", "SDXL 1.0", False),
        ("juggernaut.safetensors", "juggernaut", None),
        ("", "", None),
    ],
)
def test_the_model_it_was_made_for(file: str, base: str, is_anime: bool | None) -> None:
    found = suggest({"ss_sd_model_name": file})
    assert (found.base, found.is_anime) == (base, is_anime)


@pytest.mark.parametrize(
    ("key", "value", "model"),
    [
        ("ss_base_model_version", "sd_v1", "Stable Diffusion 1.5"),
        ("ss_base_model_version", "sdxl_base_v1-0", ""),
        ("modelspec.architecture", "flux-1-dev/lora", "FLUX"),
        ("modelspec.architecture", "stable-diffusion-xl-v1-base/lora", ""),
        ("modelspec.architecture", "lumina-2/lora", "lumina-2"),
        ("modelspec.architecture", "stable-diffusion-3-medium/lora", "Stable Diffusion 3"),
    ],
)
def test_another_kind_of_model_is_named(key: str, value: str, model: str) -> None:
    assert suggest({key: value}).other_model == model


def test_author_and_licence() -> None:
    found = suggest({"modelspec.author": "Ann\n\u202eB", "modelspec.license": "x" * 999})
    assert found.author == "Ann B"
    assert len(found.licence) == 200


values = st.one_of(
    st.text(),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=8,
    ).map(json.dumps),
    st.integers(),
    st.just("[" * 100_000),
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "ss_tag_frequency",
                "ss_dataset_dirs",
                "ss_sd_model_name",
                "modelspec.trigger_phrase",
                "modelspec.author",
                "ss_base_model_version",
            ]
        ),
        values,
    )
)
def test_nothing_in_notes_raises(notes: dict[str, Any]) -> None:
    found = suggest(notes)
    assert isinstance(found, Suggestion)
    assert all(word == word.strip() and word.isprintable() for word in found.triggers)
    assert len(found.triggers) <= 3


def test_typed_words_are_split_and_counted_once() -> None:
    assert split_triggers(" a, b、c,，a\n d ") == ("a", "b", "c", "d")
    assert split_triggers("") == ()
