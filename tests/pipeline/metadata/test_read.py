"""What strangers' PNG files say about their making, and that no file does harm."""

import io
import json
import struct
import time
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from pipeline.card import Sampler
from pipeline.errors import InputError
from pipeline.metadata import comfyui, novelai
from pipeline.metadata.bounds import MAX_DEPTH, parse_object
from pipeline.metadata.chunks import MAX_TEXT_BYTES, SIGNATURE, text_chunks
from pipeline.metadata.parameters import LeftOut
from pipeline.metadata.programs import Program
from pipeline.metadata.read import is_decided, read_metadata

A1111 = (
    "1girl, (smile:1.2), <lora:detail:0.8>, night\nNegative prompt: lowres, bad hands\n"
    "Steps: 30, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 77, Size: 832x1216, Model: x"
)
NOVELAI = {
    "prompt": "{{1girl}}, [hat], ganyu (genshin impact), 1.5::night::",
    "uc": "lowres",
    "steps": 28,
    "sampler": "k_euler_ancestral",
    "scale": 5.0,
    "seed": 99,
    "width": 832,
    "height": 1216,
}
COMFYUI: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 5, "steps": 20, "cfg": 8, "sampler_name": "dpmpp_2m", "scheduler": "karras",
            "denoise": 1, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 1024, "height": 768}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "1girl, sea", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "text", "clip": ["4", 1]}},
    "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}},
}  # fmt: skip


def png(**texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", 0)


def test_a1111() -> None:
    found = read_metadata(png(parameters=A1111))
    assert found.program is Program.A1111
    said = found.parameters
    assert said.prompt == "1girl, (smile:1.2), night"
    assert said.negative_prompt == "lowres, bad hands"
    assert (said.num_inference_steps, said.guidance_scale, said.seed) == (30, 6.5, 77)
    assert (said.width, said.height, said.sampler) == (832, 1216, Sampler.DPM_2M_KARRAS)


def test_novelai() -> None:
    found = read_metadata(png(Comment=json.dumps(NOVELAI), Software="NovelAI"))
    assert found.program is Program.NOVELAI
    said = found.parameters
    assert said.prompt == "(1girl:1.1), (hat:0.952), ganyu \\(genshin impact\\), (night:1.5)"
    assert said.sampler is Sampler.EULER_A
    assert (said.seed, said.guidance_scale, said.negative_prompt) == (99, 5.0, "lowres")


def test_novelai_version_4_has_a_caption_for_each_character() -> None:
    caption = {"base_caption": "2girls", "char_captions": [{"char_caption": "girl, red hair"}]}
    comment = {"prompt": "old", "v4_prompt": {"caption": caption}, "steps": 28}
    said = novelai.read(json.dumps(comment))
    assert said is not None
    assert said.prompt == "2girls, girl, red hair"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("a, b", "a, b"),
        ("{a, b}, c", "(a, b:1.05), c"),
        ("a}}, b", "a, b"),
        ("{{a", "(a:1.1)"),
        ("-2::rain::, sun", ", sun"),
        ("0.5::mist", "(mist:0.5)"),
        ("[[a]], {b}", "(a:0.907), (b:1.05)"),
    ],
)
def test_novelais_emphasis_becomes_a1111s(typed: str, meant: str) -> None:
    assert novelai.emphasis(typed) == meant


def test_comfyui() -> None:
    found = read_metadata(png(prompt=json.dumps(COMFYUI), workflow="{}"))
    assert found.program is Program.COMFYUI
    said = found.parameters
    assert (said.prompt, said.negative_prompt) == ("1girl, sea", "text")
    assert (said.num_inference_steps, said.guidance_scale, said.seed) == (20, 8.0, 5)
    assert (said.width, said.height, said.sampler) == (1024, 768, Sampler.DPM_2M_KARRAS)
    assert said.model_name == "a.safetensors"


def test_comfyui_with_text_seed_and_sampler_in_nodes_of_their_own() -> None:
    graph: dict[str, Any] = {
        "1": {"class_type": "SamplerCustomAdvanced", "inputs": {
            "noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0],
            "latent_image": ["6", 0]}},
        "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 12}},
        "3": {"class_type": "CFGGuider", "inputs": {
            "cfg": 4.5, "positive": ["7", 0], "negative": ["8", 0]}},
        "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "euler"}},
        "5": {"class_type": "BasicScheduler", "inputs": {"steps": 24, "scheduler": "normal"}},
        "6": {"class_type": "EmptyLatentImage", "inputs": {"width": ["10", 0], "height": 832}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["9", 0]}},
        "8": {"class_type": "CLIPTextEncodeSDXL", "inputs": {"text_g": "bad", "text_l": "bad"}},
        "9": {"class_type": "Text", "inputs": {"string": "1boy, embedding:EasyNegative"}},
        "10": {"class_type": "PrimitiveInt", "inputs": {"value": 1216}},
    }  # fmt: skip
    said = read_metadata(png(prompt=json.dumps(graph))).parameters
    assert (said.prompt, said.negative_prompt) == ("1boy", "bad")
    assert (said.num_inference_steps, said.guidance_scale, said.seed) == (24, 4.5, 12)
    assert (said.width, said.height, said.sampler) == (1216, 832, Sampler.EULER)


def test_comfyui_prefers_the_sampler_that_begins_from_nothing() -> None:
    inputs = COMFYUI["3"]["inputs"] | {"latent_image": ["3", 0], "seed": 1, "denoise": 0.4}
    graph = {"1": {"class_type": "KSampler", "inputs": inputs}, **COMFYUI}
    said = comfyui.read(json.dumps(graph))
    assert said is not None
    assert said.seed == 5


def test_a_loop_in_the_graph_ends() -> None:
    graph = {
        "1": {"class_type": "KSampler", "inputs": {
            "positive": ["2", 0], "negative": ["1", 0], "latent_image": ["1", 0], "steps": ["2", 0],
        }},
        "2": {"class_type": "Reroute", "inputs": {"conditioning": ["1", 0], "x": ["2", 0]}},
    }  # fmt: skip
    said = comfyui.read(json.dumps(graph))
    assert said is not None
    assert said.prompt == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture, whatever its name says",
        SIGNATURE,
        png(),
        png(parameters='{"made": "by another tool"}'),
        png(prompt="[" * 100_000),
        png(Comment="{}"),
        png(Comment="nothing"),
        png(parameters="x" * 70_000),
    ],
)
def test_what_says_nothing_is_told_apart(data: bytes) -> None:
    with pytest.raises(InputError) as raised:
        read_metadata(data)
    assert raised.value.key == "metadata_missing"


def test_text_before_the_pixels_is_found_in_the_beginning_of_a_file() -> None:
    data = png(parameters=A1111)
    head = data[: data.index(b"IDAT") + 4]
    assert not is_decided(data[:20])
    assert is_decided(head)
    assert read_metadata(head) == read_metadata(data)
    assert is_decided(b"GIF89a..")


def test_text_after_the_pixels_is_found() -> None:
    data = png()
    end = data.index(b"IEND") - 4
    late = data[:end] + chunk(b"tEXt", b"parameters\0" + A1111.encode()) + data[end:]
    assert read_metadata(late) == read_metadata(png(parameters=A1111))


def test_compressed_and_international_text() -> None:
    packed = zlib.compress("猫".encode())
    data = SIGNATURE + chunk(b"zTXt", b"a\0\0" + packed)
    data += chunk(b"iTXt", b"b\0\x01\0en\0title\0" + packed)
    data += chunk(b"iTXt", b"c\0\0\0\0\0" + "犬".encode())
    data += chunk(b"tEXt", b"d\0caf\xe9")
    assert text_chunks(data) == {"a": "猫", "b": "猫", "c": "犬", "d": "café"}


def test_a_text_that_unpacks_to_gigabytes_is_left_out() -> None:
    packed = zlib.compress(b"0" * (MAX_TEXT_BYTES * 20))
    data = SIGNATURE + chunk(b"zTXt", b"parameters\0\0" + packed)
    began = time.process_time()
    assert text_chunks(data) == {"parameters": ""}
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(
    "content",
    [
        b"zTXtparameters\0\0" + zlib.compress(A1111.encode())[:-5],
        b"zTXtparameters\0\x01" + zlib.compress(A1111.encode()),
        b"iTXtparameters\0\x01\0\0\0" + zlib.compress(b"0" * (MAX_TEXT_BYTES * 20)),
        b"iTXtparameters\0",
        b"tEXtparameters\0" + b"0" * (MAX_TEXT_BYTES + 1),
    ],
)
def test_a_broken_text_names_its_program_and_hides_no_whole_one(content: bytes) -> None:
    broken = SIGNATURE + chunk(content[:4], content[4:])
    with pytest.raises(InputError) as raised:
        read_metadata(broken)
    assert raised.value.key == "metadata_unreadable"
    assert raised.value.data == {"program": "A1111"}
    whole = chunk(b"tEXt", b"parameters\0" + A1111.encode())
    assert read_metadata(broken + whole).parameters.seed == 77


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("frame", [b"tEXtparameters\0", b"iTXtparameters\0\0\0\0\0"])
def test_texts_in_other_encodings(encoding: str, frame: bytes) -> None:
    content = frame[4:] + A1111.encode(encoding)
    said = read_metadata(SIGNATURE + chunk(frame[:4], content)).parameters
    assert (said.prompt, said.seed) == ("1girl, (smile:1.2), night", 77)


def test_half_a_letter_is_left_out_wherever_it_stands() -> None:
    comment = NOVELAI | {"prompt": "a\ud83d, b\0", "sampler": "\udfff", "noise_schedule": "\ud83d"}
    said = read_metadata(png(Comment=json.dumps(comment))).parameters
    assert (said.prompt, said.sampler_name) == ("a, b", "")
    for text in (*said.pairs.values(), *(n for names in said.left_out.values() for n in names)):
        text.encode()


def test_a_file_without_a_prompt_says_so() -> None:
    graph = json.dumps({"sui_image_params": {"prompt": ["a"], "seed": 5}})
    for texts in ({"parameters": graph}, {"Comment": json.dumps(NOVELAI | {"prompt": None})}):
        assert LeftOut.PROMPT in read_metadata(png(**texts)).parameters.left_out


def test_a_picture_of_gigapixels_costs_nothing() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    data = SIGNATURE + chunk(b"IHDR", header) + chunk(b"tEXt", b"parameters\0" + A1111.encode())
    found = read_metadata(data)
    assert found.parameters.seed == 77


def test_nesting_is_bounded() -> None:
    deep = '{"a":' * (MAX_DEPTH + 1) + "1" + "}" * (MAX_DEPTH + 1)
    assert parse_object(deep) is None
    assert parse_object(deep[5:-1]) is not None
    assert parse_object('{"a": "' + "[" * 500 + '"}') is not None


HOSTILE = {
    "blanks": "a" + " " * 60_000 + "b",
    "quotes": 'aa: "' * 12_000,
    "escapes": 'Steps: "' + '\\"' * 30_000,
    "pairs": "aa: b, " * 9_000,
    "open brackets": "Steps: 1, Sampler: (, " * 2_900,
    "groups": "((x)+ " * 10_000,
    "escaped": "\\(" * 30_000,
    "templates": "Template:\n" * 6_000,
    "networks": "<lora:" * 10_000,
    "lines": "\n" * 60_000 + "x",
    "commas": ", " * 30_000 + "x",
    "negatives": "Negative prompt:\n" * 3_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_takes_long(name: str) -> None:
    text = HOSTILE[name]
    files = [
        png(parameters=text),
        png(Comment=json.dumps({"prompt": text, "uc": text})),
        png(prompt='{"' + text),
        png(prompt=json.dumps(COMFYUI | {"6": {"class_type": "T", "inputs": {"text": text}}})),
    ]
    began = time.process_time()
    for data in files:
        with suppress(InputError):
            read_metadata(data)
    assert time.process_time() - began < 10.0


def test_a_graph_full_of_links_does_not_take_long() -> None:
    many = {f"i{n}": [str(n % 1000), 0] for n in range(20_000)}
    graph: dict[str, Any] = {
        str(n): {"class_type": "X", "inputs": {"x": [str(n + 1), 0]}} for n in range(1000)
    }
    graph["s"] = {"class_type": "KSampler", "inputs": {**many, "positive": ["1", 0], "steps": 1}}
    began = time.process_time()
    assert comfyui.read(json.dumps(graph)) is not None
    assert time.process_time() - began < 5.0


@given(st.binary(max_size=400))
def test_no_bytes_raise(data: bytes) -> None:
    for file in (
        data,
        SIGNATURE + data,
        SIGNATURE + chunk(b"iTXt", data) + chunk(b"zTXt", b"prompt\0\0" + data),
    ):
        is_decided(file)
        with suppress(InputError):
            read_metadata(file)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["inputs", "class_type", "positive", "negative", "steps", "seed", "text", "cfg", "1",
             "2", "latent_image", "width", "height", "guider", "sampler", "prompt", "uc", "scale",
             "v4_prompt", "caption", "base_caption", "char_captions"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=30,
)  # fmt: skip
NODES = st.dictionaries(
    st.sampled_from(["1", "2", "3"]),
    st.fixed_dictionaries({"class_type": st.just("KSampler"), "inputs": JSON}),
)


@given(JSON | NODES)
def test_no_json_raises(value: object) -> None:
    text = json.dumps(value)
    for said in (novelai.read(text), comfyui.read(text)):
        if said is not None:
            assert isinstance(said.prompt, str)
            assert said.seed is None or type(said.seed) is int


@given(st.text(max_size=300))
def test_no_text_raises(text: str) -> None:
    read_metadata(png(Comment=json.dumps({"prompt": f"a{text}", "uc": text})))
    with suppress(InputError):
        read_metadata(png(parameters=text, Description=text))
    novelai.emphasis(text)
