import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.card import QualityPreset, Sampler
from pipeline.metadata.a1111 import parse_parameters
from pipeline.metadata.a1111_text import parameters_text
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest


def resolved(**changes: object) -> ResolvedRequest:
    values: dict[str, object] = {
        "prompt": "1girl, smile, (night:1.2)", "negative_prompt": "nsfw, lowres", "width": 896,
        "height": 1152, "preset": QualityPreset.STANDARD_31, "rating": Rating.SAFE,
        "sampler": Sampler.EULER_A, "num_inference_steps": 28, "guidance_scale": 7.0, "seed": 123,
        "count": 2, "private": False, "original": GenerationRequest(prompt="1girl"),
    }  # fmt: skip
    return ResolvedRequest(**{**values, **changes})  # type: ignore[arg-type]


def written(request: ResolvedRequest, *, index: int = 0, name: str = "animagine-xl-3.1") -> str:
    return parameters_text(
        request, index=index, model_name=name, model_hash="abcdef1234", version="Ekaki 0.1.0"
    )


def test_the_text_is_a1111s_to_the_letter() -> None:
    assert written(resolved()) == (
        "1girl, smile, (night:1.2)\n"
        "Negative prompt: nsfw, lowres\n"
        "Steps: 28, Sampler: Euler a, Schedule type: Automatic, CFG scale: 7, Seed: 123, "
        "Size: 896x1152, Model hash: abcdef1234, Model: animagine-xl-3.1, RNG: CPU, "
        "Version: Ekaki 0.1.0"
    )


def test_an_empty_negative_has_no_line_and_odd_names_are_quoted() -> None:
    text = written(resolved(negative_prompt="", guidance_scale=6.5), name='my, "model": 1')
    assert text.count("\n") == 1
    assert "CFG scale: 6.5," in text
    assert r'Model: "my, \"model\": 1",' in text
    assert parse_parameters(text).model_name == 'my, "model": 1'


def test_each_picture_has_its_own_seed() -> None:
    assert parse_parameters(written(resolved(), index=1)).seed == 124


@pytest.mark.parametrize(
    ("sampler", "fields"),
    [
        (Sampler.EULER_A, "Sampler: Euler a, Schedule type: Automatic"),
        (Sampler.EULER, "Sampler: Euler, Schedule type: Automatic"),
        (Sampler.DDIM, "Sampler: DDIM, Schedule type: Automatic"),
        (Sampler.DPM_2M_KARRAS, "Sampler: DPM++ 2M, Schedule type: Karras"),
        (Sampler.DPM_2M_SDE_KARRAS, "Sampler: DPM++ 2M SDE, Schedule type: Karras"),
        (Sampler.DPM_SDE_KARRAS, "Sampler: DPM++ SDE, Schedule type: Karras"),
        (Sampler.EULER_TRAILING, "Sampler: Euler, Schedule type: SGM Uniform"),
        (Sampler.LCM, "Sampler: LCM, Schedule type: SGM Uniform"),
        (Sampler.TCD, "Sampler: TCD, Schedule type: SGM Uniform"),
    ],
)
def test_samplers_are_written_in_two_fields_and_read_back(sampler: Sampler, fields: str) -> None:
    text = written(resolved(sampler=sampler))
    assert fields in text
    assert parse_parameters(text).sampler is sampler


def test_a_file_of_a1111_is_read() -> None:
    read = parse_parameters(
        "girl with a hat,\nblue eyes, ((eyeshadow))\n"
        "Negative prompt: ugly, [blurry],\nbad anatomy\n"
        "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 7.5, Seed: 965400086, Size: 512x768, "
        'Model hash: 45dee52b, Lora hashes: "a: 1, b: 2", Clip skip: 2'
    )
    assert read.prompt == "girl with a hat,\nblue eyes, ((eyeshadow))"
    assert read.negative_prompt == "ugly, [blurry],\nbad anatomy"
    assert (read.num_inference_steps, read.guidance_scale, read.seed) == (20, 7.5, 965400086)
    assert read.sampler is Sampler.DPM_2M_KARRAS
    assert (read.width, read.height) == (512, 768)
    assert read.rng == "GPU", "a missing RNG means the GPU's"
    assert read.pairs["Lora hashes"] == "a: 1, b: 2"
    assert read.pairs["Clip skip"] == "2"


def test_a_text_without_parameters_is_a_prompt() -> None:
    read = parse_parameters("1girl, smile\nMood: happy, Place: sea")
    assert read.prompt == "1girl, smile\nMood: happy, Place: sea"
    assert read.seed is None
    assert parse_parameters("").prompt == ""


def test_values_that_are_no_numbers_are_none_and_unknown_samplers_keep_their_name() -> None:
    read = parse_parameters(
        "a\nSteps: many, Sampler: UniPC, CFG scale: nan, Seed: " + "9" * 5000 + ", Size: 0xbeef"
    )
    assert (read.num_inference_steps, read.guidance_scale, read.seed) == (None, None, None)
    assert (read.width, read.sampler, read.sampler_name) == (None, None, "UniPC")


LINE = st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=60)
PROMPT = LINE.map(str.strip).filter(lambda text: not text.startswith("Negative prompt:"))


@given(
    prompt=PROMPT,
    negative=LINE.map(str.strip),
    name=st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20).map(str.strip),
    seed=st.integers(0, 2**32 - 1),
    steps=st.integers(1, 60),
    cfg=st.decimals(1, 20, places=3).map(float),
    sampler=st.sampled_from(Sampler),
)
def test_what_is_written_is_read_back(
    *, prompt: str, negative: str, name: str, seed: int, steps: int, cfg: float, sampler: Sampler
) -> None:
    request = resolved(
        prompt=prompt, negative_prompt=negative, seed=seed, num_inference_steps=steps,
        guidance_scale=cfg, sampler=sampler,
    )  # fmt: skip
    read = parse_parameters(written(request, name=name))
    assert (read.prompt, read.negative_prompt) == (prompt, negative)
    assert (read.seed, read.num_inference_steps, read.guidance_scale) == (seed, steps, cfg)
    assert (read.sampler, read.model_name, read.rng) == (sampler, name, "CPU")
    assert (read.width, read.height, read.model_hash) == (896, 1152, "abcdef1234")


@given(st.text(max_size=300) | st.text(alphabet='a:, "\\\n', max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    assert parse_parameters(text).rng


def test_a_huge_line_is_read_quickly() -> None:
    assert parse_parameters("a" * 100_000).prompt == "a" * 100_000
    assert parse_parameters('k: "' + "\\" * 100_000).rng == "GPU"
