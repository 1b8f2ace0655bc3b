import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.card import Aesthetic, QualityPreset, Sampler, Style, Year
from pipeline.errors import InputError
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.flags import cut_foreign_flags, fold_flags, parse_flags
from pipeline.prompt.infotext import fold_infotext
from pipeline.rating import Rating
from pipeline.request import GenerationRequest

INFOTEXT = (
    "1girl, (smile:1.2)\nNegative prompt: lowres, bad hands\nSteps: 30, Sampler: Euler a, "
    "Schedule type: Automatic, CFG scale: 6.5, Seed: 77, Size: 832x1216, Model: x, Version: 1.10"
)


@pytest.mark.parametrize(
    "typed", [INFOTEXT, INFOTEXT.replace("\n", " "), clean_prompt(INFOTEXT), INFOTEXT + "\n"]
)
def test_a_pasted_text_of_a1111_fills_prompt_negative_and_settings(typed: str) -> None:
    folded = fold_flags(GenerationRequest(prompt=typed, negative_prompt="hat"))
    assert folded == GenerationRequest(
        prompt="1girl, (smile:1.2)", negative_prompt="hat, lowres, bad hands",
        num_inference_steps=30, sampler=Sampler.EULER_A, guidance_scale=6.5, seed=77,
        aspect="832x1216", preset=QualityPreset.NONE,
    )  # fmt: skip
    assert fold_flags(folded) == folded


def test_pasted_settings_that_there_are_none_of_are_named() -> None:
    odd = INFOTEXT.replace("Euler a", "Uni--PC, --ar 3:2").replace("77", "99999999999")
    folded = fold_flags(GenerationRequest(prompt=odd + ", Hires upscale: 2", seed=3, count=2))
    assert (folded.seed, folded.count, folded.sampler) == (3, 2, None)
    assert cut_foreign_flags(folded.prompt) == (
        "1girl, (smile:1.2)", ("Sampler: UniPC; Hires",),
    )  # fmt: skip
    assert fold_flags(folded) == folded


def test_a_pasted_negative_is_one_without_settings() -> None:
    folded = fold_flags(GenerationRequest(prompt="1girl, sea. Negative prompt: lowres --seed 5"))
    assert (folded.prompt, folded.negative_prompt, folded.seed) == ("1girl, sea.", "lowres", 5)
    for words in ("a sign that says Steps: 20", "Steps: 3 stairs, Mood: happy", "Seed: 5, Size: 3"):
        assert fold_flags(GenerationRequest(prompt=words)).prompt == words


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_no_pasted_text_raises_or_changes_when_it_is_folded_twice(a: str, b: str, c: str) -> None:
    prompt = f"{a} Negative prompt: {b} Steps: 20, Sampler: {c}, CFG scale: 5, Seed: 1, Size: {a}"
    folded = fold_infotext(GenerationRequest(prompt=prompt))
    with contextlib.suppress(InputError):
        assert fold_flags(fold_flags(folded)) == fold_flags(folded)


def test_the_flags_people_know_from_midjourney() -> None:
    prompt, values, _ = parse_flags(
        "1girl, smile --ar 3:2 --seed 5 --no hat, gloves --steps 20 --cfg 6"
    )
    assert prompt == "1girl, smile"
    assert values == {
        "aspect": "3:2",
        "seed": 5,
        "negative_prompt": "hat, gloves",
        "num_inference_steps": 20,
        "guidance_scale": 6.0,
    }


@pytest.mark.parametrize(
    ("flag", "field", "value"),
    [
        ("--aspect portrait", "aspect", "portrait"),
        ("--AR 16:9", "aspect", "16:9"),
        ("--ar=3:2", "aspect", "3:2"),
        ("--seed -1", "seed", -1),
        ("--n 4", "count", 4),
        ("--count 2,", "count", 2),
        ("--cfg 6.5", "guidance_scale", 6.5),
        ("--negative hat", "negative_prompt", "hat"),
        ("--no hat --no gloves", "negative_prompt", "hat, gloves"),
        ("--seed 5 --seed 6", "seed", 6),
        ("—ar 3:2", "aspect", "3:2"),
        ("–ar 3:2", "aspect", "3:2"),
        ("－－ar 3：2", "aspect", "3:2"),
        ("--seed　５", "seed", 5),
        ("--cfg ６．５", "guidance_scale", 6.5),
        ("、--no 帽子", "negative_prompt", "帽子"),
        ("--style pixel art", "style", Style.PIXEL_ART),
        ("--style digitalart", "style", Style.DIGITAL_ART),
        ("--sampler dpm++ 2m karras", "sampler", Sampler.DPM_2M_KARRAS),
        ("--preset heavy v3.1", "preset", QualityPreset.HEAVY_31),
        ("--rating sensitive", "rating", Rating.SENSITIVE),
        ("--year newest", "year", Year.NEWEST),
        ("--aesthetic very aesthetic", "aesthetic", Aesthetic.VERY_AESTHETIC),
    ],
)
def test_each_flag_fills_its_field(flag: str, field: str, value: object) -> None:
    assert parse_flags(f"1girl, {flag}") == ("1girl", {field: value}, ())


@pytest.mark.parametrize(
    "prompt", ["--_--", "1girl, --_-- , smile", "a--b", "a -- b", "x ---", "— a dash —", "-ar 3:2"]
)
def test_dashes_that_are_no_flag_are_text(prompt: str) -> None:
    assert parse_flags(prompt) == (prompt, {}, ())


@pytest.mark.parametrize(
    ("prompt", "key", "flag"),
    [
        ("1girl --nijji 6", "flag_unknown", "--nijji"),
        ("1girl --tile smile, hat", "flag_value", "--tile"),
        ("1girl --stylize a lot of it", "flag_value", "--stylize"),
        ("1girl, --hello world, smile", "flag_unknown", "--hello"),
        ("1girl --seed abc", "flag_value", "--seed"),
        ("1girl --seed", "flag_value", "--seed"),
        ("1girl --seed 5 smile", "flag_value", "--seed"),
        ("1girl --seed 5.5", "flag_value", "--seed"),
        ("1girl --steps nan", "flag_value", "--steps"),
        ("1girl --cfg inf", "flag_value", "--cfg"),
        ("1girl --no", "flag_value", "--no"),
        ("1girl --ar --seed 5", "flag_value", "--ar"),
        ("1girl --style cubism", "flag_value", "--style"),
        ("1girl --seed " + "9" * 5000, "flag_value", "--seed"),
    ],
)
def test_a_wrong_flag_is_named(prompt: str, key: str, flag: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_flags(prompt)
    assert refused.value.key == key
    assert refused.value.data["flag"] == flag


@pytest.mark.parametrize(
    "flags",
    ["--niji 6", "--v 6.1 --s 250", "--tile", "--style raw", "--stylize=750 --chaos 10 --fast",
     "--sref https://s.mj.run/x 2 --sw 100", "--q 2 --p", "--v", "--weird 3000"],
)  # fmt: skip
def test_flags_that_only_midjourney_has_stay_behind_to_be_told(flags: str) -> None:
    parsed = parse_flags(f"1girl, smile {flags} --seed 5")
    assert (parsed.prompt, parsed.values) == ("1girl, smile", {"seed": 5})
    folded = fold_flags(GenerationRequest(prompt=f"1girl, smile --seed 5 {flags}"))
    assert folded.prompt.replace("=", " ") == f"1girl, smile {flags}".replace("=", " ")
    assert fold_flags(folded) == folded
    body, cut = cut_foreign_flags(folded.prompt)
    assert (body, len(cut)) == ("1girl, smile", flags.count("--"))


def test_a_filled_in_option_wins_over_a_flag_and_no_adds_to_the_negative() -> None:
    typed = GenerationRequest(
        prompt="1girl --seed 5 --steps 20 --no hat", seed=7, negative_prompt="gloves"
    )
    folded = fold_flags(typed)
    assert (folded.prompt, folded.seed, folded.num_inference_steps) == ("1girl", 7, 20)
    assert folded.negative_prompt == "gloves, hat"


@given(st.text(alphabet=st.characters(exclude_characters="-—"), max_size=80))
def test_a_prompt_without_dashes_is_never_touched(prompt: str) -> None:
    assert parse_flags(prompt) == (prompt, {}, ())


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from(["--", "ar", " ", "3:2", "no", "—"])).map("".join)
)
def test_any_text_is_read_or_refused_by_name(prompt: str) -> None:
    with contextlib.suppress(InputError):
        rest = parse_flags(prompt).prompt
        assert prompt.startswith(rest)


@given(
    seed=st.integers(-1, 2**32 - 1),
    steps=st.integers(1, 60),
    cfg=st.decimals(1, 20, places=2),
    no=st.sampled_from(["hat", "hat, gloves", "(hat:1.2)"]),
    order=st.permutations(range(4)),
)
def test_flags_are_read_in_any_order(
    seed: int, steps: int, cfg: object, no: str, order: list[int]
) -> None:
    written = [f"--seed {seed}", f"--steps {steps}", f"--cfg {cfg}", f"--no {no}"]
    prompt, values, _ = parse_flags("1girl, smile " + " ".join(written[i] for i in order))
    assert prompt == "1girl, smile"
    assert values == {
        "seed": seed,
        "num_inference_steps": steps,
        "guidance_scale": float(str(cfg)),
        "negative_prompt": no,
    }
