"""Other programs' files: read where their text is plain, named where it isn't."""

import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.card import Sampler
from pipeline.errors import InputError
from pipeline.metadata import invokeai, midjourney
from pipeline.metadata.parameters import LeftOut
from pipeline.metadata.programs import KEYS, Program, readings
from pipeline.metadata.read import read_metadata
from tests.pipeline.metadata.test_read import png

SETTINGS = {"steps": 20, "seed": 7, "width": 832, "height": 1216}
INVOKEAI = {
    **SETTINGS, "positive_prompt": "1girl, sea", "negative_prompt": "lowres", "cfg_scale": 5.0,
    "scheduler": "euler_a", "model": {"name": "a"}, "app_version": "5.0",
    "loras": [{"model": {"name": "detail"}, "weight": 1}], "controlnets": [],
}  # fmt: skip
FOOOCUS = {
    "prompt": "girl", "full_prompt": ["1girl, sea"], "negative_prompt": "",
    "full_negative_prompt": ["lowres", "lowres"], "resolution": "(832, 1216)", "steps": 20,
    "guidance_scale": 5.0, "seed": "7", "sampler": "euler_ancestral", "scheduler": "normal",
    "base_model": "a", "loras": [["detail", 0.5, "1234"]], "performance": "Speed",
}  # fmt: skip
SWARM = {
    "sui_image_params": {
        **SETTINGS, "prompt": "1girl, sea <segment:face> eyes", "negativeprompt": "lowres",
        "cfgscale": 5.0, "sampler": "euler_ancestral", "scheduler": "normal", "model": "a",
        "loras": ["detail"],
    }
}  # fmt: skip
TENSOR = {
    **SETTINGS, "prompt": "1girl, sea", "negativePrompt": "lowres", "samplerName": "Euler a",
    "cfgScale": 5, "model": "a", "loras": ["detail"],
}  # fmt: skip
DRAW_THINGS = {
    "c": "1girl, sea", "uc": "lowres", "steps": 20, "seed": 7, "scale": 5, "size": "832x1216",
    "sampler": "Euler Ancestral", "model": "a.ckpt", "lora": [{"model": "detail.ckpt"}],
}  # fmt: skip
XMP = (
    "<x:xmpmeta><xmp:CreatorTool>Draw Things</xmp:CreatorTool><exif:UserComment><rdf:Alt>"
    f'<rdf:li xml:lang="x-default">{html.escape(json.dumps(DRAW_THINGS))}</rdf:li></rdf:Alt>'
)
EASY = {
    "prompt": "1girl, sea", "negative_prompt": "lowres", "seed": "7", "width": "832",
    "height": "1216", "num_inference_steps": "20", "guidance_scale": "5",
    "sampler_name": "euler_a", "use_stable_diffusion_model": "a", "use_lora_model": "detail",
}  # fmt: skip
FILES: list[tuple[Program, dict[str, str]]] = [
    (Program.INVOKEAI, {"invokeai_metadata": json.dumps(INVOKEAI)}),
    (Program.FOOOCUS, {"parameters": json.dumps(FOOOCUS), "fooocus_scheme": "fooocus"}),
    (Program.SWARMUI, {"parameters": json.dumps(SWARM)}),
    (Program.TENSOR_ART, {"generation_data": json.dumps(TENSOR)}),
    (Program.DRAW_THINGS, {"XML:com.adobe.xmp": XMP}),
    (Program.EASY_DIFFUSION, EASY),
    (Program.OTHER, {"parameters": json.dumps(TENSOR)}),
]


@pytest.mark.parametrize(("program", "texts"), FILES, ids=[each[0].value for each in FILES])
def test_a_plain_text_is_read(program: Program, texts: dict[str, str]) -> None:
    found = read_metadata(png(**texts))
    said = found.parameters
    assert found.program is program
    assert (said.prompt, said.negative_prompt) == ("1girl, sea", "lowres")
    assert (said.num_inference_steps, said.guidance_scale, said.seed) == (20, 5.0, 7)
    assert (said.width, said.height, said.sampler) == (832, 1216, Sampler.EULER_A)
    assert (said.model_name, said.left_out) == ("a", {LeftOut.LORA: ("detail",)})


JOB = "Job ID: 01234567-89ab-cdef-0123-456789abcdef"


def test_midjourney() -> None:
    bare = midjourney.read(f"a cat {JOB}")
    assert bare is not None
    assert bare.prompt == "a cat"
    said = read_metadata(
        png(Description=f"https://s.mj.run/x a cat::2 sea --ar 3:2 --no hat --v 6.1 {JOB}")
    ).parameters
    assert (said.prompt, said.negative_prompt) == ("a cat, sea", "hat")
    assert (said.width, said.height) == (1216, 832)
    assert (said.pairs["v"], said.left_out) == ("6.1", {LeftOut.REFERENCE: ()})
    assert midjourney.read("a holiday picture") is None


def test_invokeais_old_text() -> None:
    image = {**SETTINGS, "prompt": [{"prompt": "(cat)1.2, sea++ [lowres]"}], "sampler": "k_euler"}
    said = read_metadata(png(**{"sd-metadata": json.dumps({"image": image})})).parameters
    assert (said.prompt, said.negative_prompt) == ("(cat:1.2), (sea:1.21)", "lowres")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("(hat)1.2, sea", "(hat:1.2), sea"),
        ("(hat)++", "(hat:1.21)"),
        ("hat-, sea", "(hat:0.9), sea"),
        ("((hat)1.1 sea)1.2", "((hat:1.1) sea:1.2)"),
        ("(plain)", "plain"),
        ("t-shirt, c++", "t-shirt, (c:1.21)"),
        ("ganyu \\(genshin\\)", "ganyu \\(genshin\\)"),
        ("(open", "(open"),
    ],
)
def test_invokeais_weights_become_a1111s(typed: str, meant: str) -> None:
    assert invokeai.weights(typed) == meant


@pytest.mark.parametrize(
    ("texts", "program"),
    [
        ({"workflow": '{"nodes": []}'}, "ComfyUI"),
        ({"prompt": '{"1": {"class_type": "X", "inputs": {}}}'}, "ComfyUI"),
        ({"prompt": '{"a":' * 5000}, "ComfyUI"),
        ({"Dream": "a cat -s 5"}, "InvokeAI"),
        ({"invokeai_metadata": "{}"}, "InvokeAI"),
        ({"Comment": "x", "Software": "NovelAI"}, "NovelAI"),
        ({"XML:com.adobe.xmp": "by Draw Things"}, "Draw Things"),
        ({"parameters": "1girl, " * 20_000 + "\nSteps: 5, Seed: 1"}, "A1111"),
    ],
)
def test_a_program_whose_text_cannot_be_read_is_named(texts: dict[str, str], program: str) -> None:
    with pytest.raises(InputError) as raised:
        read_metadata(png(**texts))
    assert raised.value.key == "metadata_unreadable"
    assert raised.value.data == {"program": program}


@pytest.mark.parametrize("key", ["parameters", "Parameters", "Comment", "Description", "prompt"])
def test_a1111s_text_is_read_under_other_names_and_with_braces(key: str) -> None:
    text = "{{{1girl}}}, sea\nNegative prompt: lowres\nSteps: 5, Sampler: Euler a, Seed: 1"
    found = read_metadata(png(**{key: text}))
    assert (found.program, found.parameters.seed) == (Program.A1111, 1)
    assert found.parameters.prompt == "{{{1girl}}}, sea"


@pytest.mark.parametrize("text", ['[{"prompt": "a"}]', '{"prompt": "a"', "[[1, 2]]", '{ "a": }'])
def test_json_is_no_prompt(text: str) -> None:
    with pytest.raises(InputError, match="metadata_missing"):
        read_metadata(png(parameters=text))


def test_a_readable_text_wins_over_one_that_is_not() -> None:
    found = read_metadata(png(workflow="{}", parameters="1girl\nSteps: 5, Seed: 1, Size: 8x8"))
    assert found.program is Program.A1111


def test_what_is_not_ours_is_named_whoever_wrote_it() -> None:
    text = "(embedding:x:1.2), a <lora:y:1>\nSteps: 5, Sampler: UniPC, Seed: 99999999999"
    said = read_metadata(png(parameters=text)).parameters
    assert said.prompt == "a"
    assert said.left_out == {
        LeftOut.SAMPLER: ("UniPC",),
        LeftOut.SEED: ("99999999999",),
        LeftOut.LORA: ("y",),
        LeftOut.EMBEDDING: ("x",),
    }


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([*INVOKEAI, *FOOOCUS, *TENSOR, *DRAW_THINGS, "sui_image_params", "image"]),
        inner, max_size=8,
    ),
    max_leaves=30,
)  # fmt: skip


@given(VALUES, st.text(max_size=40), st.sampled_from(sorted(KEYS)))
def test_no_text_of_any_program_raises(value: object, text: str, key: str) -> None:
    for written in (json.dumps(value), text, XMP.replace("1girl", text)):
        for _, said in readings({key: written, "seed": text}):
            assert said is None or isinstance(said.prompt, str)
    invokeai.weights(text + "(" + text + ")1.2++")
    for flags in ("", f" --ar 0:{text}", f" --no --no {text}"):
        assert midjourney.read(f"{text}{flags} {JOB}") is not None
