"""A1111's text in the shapes that programs, extensions and sites make of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.card import Sampler
from pipeline.metadata.a1111 import parse_parameters
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.samplers import SamplerChoice, choose_sampler

LINE = "Steps: 20, Sampler: Euler a, CFG scale: 5, Seed: 7, Size: 832x1216, Model: x"
NEW_LINE = "\n"
NEGATIVE = "Negative prompt: lowres, bad hands"


def read(*lines: str) -> Parameters:
    return parse_parameters("\n".join(lines))


def check(said: Parameters) -> None:
    assert said.prompt == "1girl, sea"
    assert said.negative_prompt == "lowres, bad hands"
    assert (said.num_inference_steps, said.sampler, said.seed) == (20, Sampler.EULER_A, 7)
    assert (said.width, said.height, said.model_name) == (832, 1216, "x")


@pytest.mark.parametrize(
    "text",
    [
        f"1girl, sea\n{NEGATIVE}\n{LINE}\nTemplate: {{1girl|1boy}}, sea",
        f"1girl, sea\n{NEGATIVE}\n{LINE}\nTemplate: a\nNegative Template: b, c",
        f"1girl, sea\n{NEGATIVE}\n{LINE}\nTemplate: a\n{LINE.replace('20', '99')}",
        f"1girl, sea\n{NEGATIVE}\n{LINE}\nWildcard prompt: __place__\nmore",
        f"1girl, sea {NEGATIVE} {LINE}",
        f"1girl, sea. {NEGATIVE}. {LINE}".replace(". ", "\n"),
        f"1girl, sea\r\n{NEGATIVE}\r\n{LINE}\r\n",
        f"1girl, sea\r{NEGATIVE}\r{LINE}",
        f"\ufeff1girl, sea\n{NEGATIVE}\n{LINE}",
        f"1girl, sea\n{NEGATIVE}\n{LINE}, Civitai resources: "
        '[{"type":"checkpoint","weight":1},{"Seed": 9}], Civitai metadata: {}',
        f'1girl, sea\n{NEGATIVE}\n{LINE}, Lora hashes: "a: 1, Seed: 2", Note: "\\"Seed: 4\\""',
        f"1girl, sea\n{NEGATIVE}\n{LINE.replace('832x1216', '832 × 1216')}",
        f"1girl, sea\n{NEGATIVE}\n{LINE.replace('Size: 832x1216', 'Size-1: 832, Size-2: 1216')}",
        f"1girl, sea\n{NEGATIVE}\n{LINE.replace('Size: 832x1216', 'Resolution: (832, 1216)')}",
        f"1girl, sea\n{NEGATIVE}\n{LINE.replace('Steps: 20', 'Steps: 20.0')}",
        f"1girl, sea\n{NEGATIVE}\n{LINE.replace(',', ' |')}",
        f"prompt: 1girl, sea\n{NEGATIVE}\nVersion: a, Pipeline: b,\n{LINE.replace(',', ' |')}",
        f"1girl, sea\n{NEGATIVE}\n{LINE.replace(', ', NEW_LINE)}",
        f"1girl, sea\n{NEGATIVE.lower()}\n{LINE.lower()}",
    ],
)
def test_every_shape_is_read(text: str) -> None:
    check(parse_parameters(text))


def test_what_extensions_write_below_is_kept_to_be_shown() -> None:
    said = read("1girl", LINE, "Template: {1girl|1boy},", "sea", "Negative Template: b")
    assert said.pairs["Template"] == "{1girl|1boy},\nsea"
    assert said.pairs["Negative Template"] == "b"


@pytest.mark.parametrize(
    "prompt",
    [
        "a sign that says Steps: 20, Seed: down, Model: none",
        "Steps: 3 stairs, Mood: happy, Place: sea",
        "Model: tall girl, Size: big, Mood: happy",
        "a sign, Negative prompt: bad, night",
        "time 12:30, score 3:2, text: hello",
        "Template: 1girl",
    ],
)
def test_a_prompt_may_look_like_settings(prompt: str) -> None:
    for lines in ((prompt,), (prompt, LINE), (prompt, NEGATIVE, LINE)):
        said = read(*lines)
        assert said.prompt == prompt
        assert said.seed == (7 if len(lines) > 1 else None)


def test_values_in_brackets() -> None:
    said = read("a", f"{LINE.replace('Model: x', 'Model: (new) mix')}, Guidance: (1.5, 0.8), X: [1")
    assert (said.model_name, said.pairs["Guidance"]) == ("(new) mix", "(1.5, 0.8)")
    assert said.pairs["X"] == "[1"


def test_odd_values_say_nothing() -> None:
    line = "Steps: 20, Sampler: Euler a, CFG scale: 5, Seed: -1, Size: 0xbeef, Hires upscale: 2"
    said = read("a", line)
    assert (said.seed, said.width, said.hires_upscale) == (-1, None, 2.0)


@pytest.mark.parametrize(
    ("name", "schedule", "sampler", "missing"),
    [
        ("DPM++ 2M", "Automatic", Sampler.DPM_2M_KARRAS, ""),
        ("DPM++ 2M", "Karras", Sampler.DPM_2M_KARRAS, ""),
        ("DPM++ 2M Karras", "", Sampler.DPM_2M_KARRAS, ""),
        ("DPM++ 2M Karras", "Automatic", Sampler.DPM_2M_KARRAS, ""),
        ("dpmpp_2m_k", "", Sampler.DPM_2M_KARRAS, ""),
        ("dpmpp_2m", "simple", Sampler.DPM_2M_KARRAS, "simple"),
        ("DPM++ SDE", "Automatic", Sampler.DPM_SDE_KARRAS, ""),
        ("DPM++ 2M SDE", "Automatic", Sampler.DPM_2M_SDE_KARRAS, "exponential"),
        ("DPM++ 2M SDE Karras", "", Sampler.DPM_2M_SDE_KARRAS, ""),
        ("dpmpp_2m_sde_gpu", "karras", Sampler.DPM_2M_SDE_KARRAS, ""),
        ("k_euler_ancestral", "native", Sampler.EULER_A, ""),
        ("Euler Ancestral", "", Sampler.EULER_A, ""),
        ("Euler a", "Karras", Sampler.EULER_A, "karras"),
        ("EULER", "normal", Sampler.EULER, ""),
        ("ddim", "DDIM Uniform", Sampler.DDIM, ""),
        ("Euler", "SGM Uniform", Sampler.EULER_TRAILING, ""),
        ("euler", "sgm_uniform", Sampler.EULER_TRAILING, ""),
        ("euler", "simple", Sampler.EULER_TRAILING, ""),
        ("euler", "karras", Sampler.EULER, "karras"),
        ("Euler a", "SGM Uniform", Sampler.EULER_A, "sgm uniform"),
        ("LCM", "Automatic", Sampler.LCM, ""),
        ("lcm", "sgm_uniform", Sampler.LCM, ""),
        ("lcm", "normal", Sampler.LCM, "normal"),
        ("LCM Karras", "", Sampler.LCM, "karras"),
        ("TCD", "", Sampler.TCD, ""),
        ("DPM2", "Karras", None, ""),
        ("DPM++ 2M SDE Heun", "Karras", None, ""),
        ("DPM++ 3M SDE", "", None, ""),
        ("", "", None, ""),
    ],
)
def test_samplers_of_every_spelling(
    name: str, schedule: str, sampler: Sampler | None, missing: str
) -> None:
    chosen = choose_sampler(name, schedule)
    assert (chosen.sampler, chosen.missing_schedule) == (sampler, missing)


@pytest.mark.parametrize("sampler", Sampler)
def test_every_sampler_is_known_by_its_own_name(sampler: Sampler) -> None:
    for name in (sampler.value, sampler.value.removesuffix(" Karras")):
        assert choose_sampler(name) == SamplerChoice(sampler)


def test_a_decimal_comma_is_one() -> None:
    said = read("a", LINE.replace("CFG scale: 5", "CFG scale: 5,5") + ", Denoising strength: 0,4")
    assert (said.guidance_scale, said.denoising_strength, said.seed) == (5.5, 0.4, 7)


def test_a_seed_of_64_bits_is_read() -> None:
    assert read("a", LINE.replace("Seed: 7", f"Seed: {2**64 - 1}")).seed == 2**64 - 1
    assert read("a", LINE.replace("Seed: 7", f"Seed: {10**20 - 1}")).seed is None


def test_what_civitai_lists_is_named() -> None:
    listed = json.dumps([
        {"type": "checkpoint", "modelName": "mix"}, {"type": "lora", "modelName": "fine, lines"},
        {"type": "embed", "modelName": "easy"}, "odd", {"type": 5}, None,
    ])  # fmt: skip
    hashes = json.dumps({"model": "1", "lora:detail": "2", "embed:bad": "3", "vae": None})
    said = read("a", f"{LINE}, Civitai resources: {listed}, Hashes: {hashes}")
    assert said.left_out[LeftOut.LORA] == ("fine, lines", "detail")
    assert said.left_out[LeftOut.EMBEDDING] == ("easy", "bad")
    for odd in ("[", "{}", "[[]]", "5", '["a"]'):
        assert LeftOut.LORA not in read("a", f"{LINE}, Civitai resources: {odd}").left_out


def test_what_cannot_be_repeated_is_named() -> None:
    said = read(
        "1girl",
        f'{LINE}, Lora hashes: "detail: 1, eyes: 2", TI hashes: "easynegative: 3", '
        'ControlNet 0: "Module: canny, Weight: 1", Hires upscale: 2, ADetailer model: face.pt, '
        "Denoising strength: 0.4, RP Active: True",
    )
    assert said.left_out == {
        LeftOut.LORA: ("detail", "eyes"),
        LeftOut.EMBEDDING: ("easynegative",),
        LeftOut.CONTROL: ("ControlNet 0",),
        LeftOut.REFINED: ("Hires upscale", "ADetailer model"),
        LeftOut.REGION: ("RP Active",),
    }
    assert LeftOut.INIT_PICTURE in read("a", f"{LINE}, Denoising strength: 0.4").left_out
    assert not read("a", LINE).left_out


@given(st.text(max_size=300) | st.text(alphabet='aS:, "\\\n\r()[]{}', max_size=400))
def test_no_text_raises(text: str) -> None:
    parse_parameters(text)
    parse_parameters(f"{text}\n{LINE}\nTemplate: {text}")
    parse_parameters(f"{text} {LINE}, {text}")
