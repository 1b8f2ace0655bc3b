"""ComfyUI's graphs, as people build them: the texts and settings that took part in the picture."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.card import Sampler
from pipeline.metadata import comfyui
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.removal import remove_embeddings, remove_networks, remove_words

Graph = dict[str, Any]


def node(kind: str, **inputs: object) -> Graph:
    return {"class_type": kind, "inputs": inputs}


def to(name: str, slot: int = 0) -> list[object]:
    return [name, slot]


def encode(text: object) -> Graph:
    return node("CLIPTextEncode", text=text, clip=to("model", 1))


def sampler(**changes: object) -> Graph:
    inputs = {
        "seed": 5, "steps": 20, "cfg": 8, "sampler_name": "euler", "scheduler": "normal",
        "denoise": 1, "model": to("model"), "positive": to("p"), "negative": to("n"),
        "latent_image": to("empty"),
    }  # fmt: skip
    return node("KSampler", **(inputs | changes))


BASE: Graph = {
    "sampler": sampler(),
    "model": node("CheckpointLoaderSimple", ckpt_name="sub\\a.safetensors"),
    "empty": node("EmptyLatentImage", width=832, height=1216),
    "p": encode("1girl"),
    "n": encode("lowres"),
    "decode": node("VAEDecode", samples=to("sampler"), vae=to("model", 2)),
    "save": node("SaveImage", images=to("decode")),
}


def read(**changes: object) -> Parameters:
    said = comfyui.read(json.dumps(BASE | changes))
    assert said is not None
    return said


TEXTS: list[tuple[str, Graph, str]] = [
    ("combine", {
        "p": node("ConditioningCombine", conditioning_1=to("a"), conditioning_2=to("b")),
        "a": encode("1girl"), "b": encode("sea")}, "1girl, sea"),
    ("concat", {
        "p": node("ConditioningConcat", conditioning_to=to("a"), conditioning_from=to("b")),
        "a": encode("1girl"), "b": encode("sea")}, "1girl BREAK sea"),
    ("area", {"p": node("ConditioningSetArea", conditioning=to("a"), width=64, height=64),
              "a": encode("1girl")}, "1girl"),
    ("WAS", {
        "p": encode(to("t")),
        "t": node("Text Concatenate", delimiter=", ", clean_whitespace="true", text_a=to("a"),
                  text_b=to("b"), text_c=to("a")),
        "a": node("Text Multiline", text="1girl"), "b": node("Text String", text="sea")},
     "1girl, sea, 1girl"),
    ("core", {
        "p": encode(to("t")),
        "t": node("StringConcatenate", string_a="1girl", string_b=to("b"), delimiter="\\n"),
        "b": node("PrimitiveStringMultiline", value="sea")}, "1girl\nsea"),
    ("KJ", {
        "p": encode(to("t")),
        "t": node("JoinStringMulti", inputcount=2, string_1="1girl", string_2="sea", delimiter=" ",
                  return_list=False)}, "1girl sea"),
    ("replace", {"p": encode(to("t")),
                 "t": node("StringReplace", string="1girl, hat", find="hat", replace="sea")},
     "1girl, sea"),
    ("impact", {
        "p": node("ImpactWildcardEncode", wildcard_text="__who__", populated_text="1girl, sea",
                  mode="populate", seed=99, model=to("model"), clip=to("model", 1))}, "1girl, sea"),
    ("impact text", {
        "p": encode(to("t")),
        "t": node("ImpactWildcardProcessor", wildcard_text="{a|b}", populated_text="b", seed=99)},
     "b"),
    ("SDXL", {"p": node("CLIPTextEncodeSDXL", text_g="1girl", text_l="1girl", width=4096,
                        height=4096, target_width=1, target_height=1)}, "1girl"),
    ("SDXL two", {"p": node("CLIPTextEncodeSDXL", text_g="1girl", text_l="sea")}, "1girl, sea"),
    ("reroute", {"p": node("Reroute", **{"": to("a")}), "a": encode("1girl")}, "1girl"),
    ("switch", {"p": node("ImpactSwitch", select=2, input1=to("n"), input2=to("a")),
                "a": encode("sea")}, "sea"),
    ("styler", {
        "p": encode(to("t")), "n": encode(to("t", 1)),
        "t": node("SDXLPromptStyler", text_positive="1girl", text_negative="lowres", style="x")},
     "1girl"),
    ("controlnet", {
        "sampler": sampler(positive=to("c"), negative=to("c", 1)),
        "c": node("ControlNetApplyAdvanced", positive=to("p"), negative=to("n"), strength=1,
                  control_net=to("loader"), image=to("img")),
        "loader": node("ControlNetLoader", control_net_name="canny.pth")}, "1girl"),
    ("efficient", {
        "sampler": sampler(positive=to("l", 1), negative=to("l", 2), latent_image=to("l", 3)),
        "l": node("Efficient Loader", ckpt_name="a.safetensors", lora_name="None",
                  positive="1girl", negative="lowres", empty_latent_width=832,
                  empty_latent_height=1216)}, "1girl"),
    ("pipe", {
        "sampler": node("KSampler SDXL (Eff.)", sdxl_tuple=to("l"), latent_image=to("l", 1),
                        noise_seed=5, steps=20, cfg=8, sampler_name="euler", scheduler="normal"),
        "l": node("Eff. Loader SDXL", base_ckpt_name="a.safetensors", positive=to("t"),
                  negative="lowres", empty_latent_width=832, empty_latent_height=1216),
        "t": node("Text", string="1girl")}, "1girl"),
    ("subgraph", {"p": encode(["7:2", 0]), "7:2": node("PrimitiveString", value="1girl")}, "1girl"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "prompt"), [each[1:] for each in TEXTS],
                         ids=[each[0] for each in TEXTS])  # fmt: skip
def test_the_text_that_was_drawn_is_found(changes: Graph, prompt: str) -> None:
    said = read(**changes)
    assert (said.prompt, said.negative_prompt) == (prompt, "lowres")
    assert (said.seed, said.num_inference_steps, said.guidance_scale) == (5, 20, 8.0)
    assert (said.width, said.height, said.sampler) == (832, 1216, Sampler.EULER)
    assert LeftOut.PROMPT not in said.left_out


def test_the_sampler_keeps_its_own_seed_and_size() -> None:
    said = read(
        first=node("EmptyLatentImage", width=64, height=64),
        up=node("LatentUpscale", samples=to("sampler"), width=1664, height=2432),
        a2=sampler(latent_image=to("up"), seed=6, denoise=0.5),
        p=node("ImpactWildcardEncode", populated_text="1girl", wildcard_text="a", seed=77),
        save=node("SaveImage", images=to("a2")),
    )
    assert (said.seed, said.width, said.height) == (5, 832, 1216)
    assert LeftOut.REFINED in said.left_out
    graph = {"a2": sampler(latent_image=to("up"), seed=6), **BASE}
    graph["up"] = node("LatentUpscale", samples=to("sampler"), width=1664, height=2432)
    found = comfyui.read(json.dumps(graph))
    assert found is not None
    assert found.seed == 5, "a sampler that enlarges another's picture began nothing"


def test_an_advanced_sampler_and_values_in_nodes_of_their_own() -> None:
    said = read(
        sampler=node(
            "KSamplerAdvanced", noise_seed=to("seed"), steps=to("steps"), cfg=to("cfg"),
            sampler_name="dpmpp_2m", scheduler="karras", start_at_step=0, positive=to("p"),
            negative=to("n"), latent_image=to("empty"), add_noise="enable",
        ),
        seed=node("Seed (rgthree)", seed=12), steps=node("easy int", value=25),
        cfg=node("PrimitiveFloat", value=4.5), empty=node("SDXLSize", resolution="896x1152 (0.78)"),
    )  # fmt: skip
    assert (said.seed, said.num_inference_steps, said.guidance_scale) == (12, 25, 4.5)
    assert (said.width, said.height, said.sampler) == (896, 1152, Sampler.DPM_2M_KARRAS)


def test_a_picture_that_another_branch_made_is_not_taken() -> None:
    graph = {
        "other": sampler(seed=1, positive=to("n")),
        "preview": node("PreviewImage", images=to("other")),
        **BASE,
    }
    said = comfyui.read(json.dumps(graph))
    assert said is not None
    assert said.seed == 5


def test_what_cannot_be_repeated_is_named() -> None:
    said = read(
        sampler=sampler(model=to("ip"), positive=to("c"), latent_image=to("vae")),
        ip=node("IPAdapterApply", model=to("l1")),
        l1=node("LoraLoader", lora_name="x/detail.safetensors", model=to("l2")),
        l2=node("Power Lora Loader (rgthree)", model=to("model"),
                lora_1={"on": True, "lora": "eyes.safetensors", "strength": 1},
                lora_2={"on": False, "lora": "off.safetensors"}),
        c=node("ControlNetApply", conditioning=to("p"), control_net=to("cl")),
        cl=node("ControlNetLoader", control_net_name="canny.pth"),
        vae=node("VAEEncode", pixels=to("img")), img=node("LoadImage", image="a.png"),
    )  # fmt: skip
    assert said.left_out == {
        LeftOut.LORA: ("detail", "eyes"),
        LeftOut.CONTROL: ("canny",),
        LeftOut.REFERENCE: (),
        LeftOut.INIT_PICTURE: (),
    }
    assert said.prompt == "1girl"
    assert LeftOut.PROMPT in read(p=node("Unknown", x=1)).left_out
    assert read(n=node("ConditioningZeroOut", conditioning=to("p"))).negative_prompt == ""


@pytest.mark.parametrize(
    ("typed", "kept", "names"),
    [
        ("(embedding:badhandv4:1.2), lowres", "lowres", ["badhandv4"]),
        ("lowres, (embedding:badhandv4:1.2)", "lowres", ["badhandv4"]),
        ("a, embedding:x, b", "a, b", ["x"]),
        ("embedding:x:1.1, b", "b", ["x"]),
        ("((embedding:x)), b", "b", ["x"]),
        ("(embedding:x, hat:1.2)", "(hat:1.2)", ["x"]),
        ("(hat, embedding:x:1.2)", "(hat:1.2)", ["x"]),
        ("[embedding:x], (embedding:sub/y.pt:0.5), b", "b", ["x", "sub/y.pt"]),
        ("embedding:x", "", ["x"]),
        ("no (embeddings:1.2)", "no (embeddings:1.2)", []),
        ("a \\(b\\), embedding:x", "a \\(b\\)", ["x"]),
    ],
)
def test_embeddings_leave_no_bracket_behind(typed: str, kept: str, names: list[str]) -> None:
    assert remove_embeddings(typed) == (kept, names)


def test_networks_and_words_are_removed_with_their_weights() -> None:
    assert remove_networks("a, <lora:x:0.8>, <lyco:y>") == ("a", ["x", "y"])
    assert remove_words("(EasyNegative:1.2), hat, easynegative2", ["easynegative"]) == (
        "hat, easynegative2"
    )


@given(st.text(alphabet="embdinga:x,()[]{}\\ 1.2<lora>\0\n", max_size=200), st.text(max_size=5))
def test_removal_never_raises_and_leaves_no_name(text: str, name: str) -> None:
    for bare, _ in (remove_embeddings(f"{text}embedding:x{text}"), remove_networks(text)):
        assert "\0" not in bare or "\0" in text
    remove_words(text, [name])


KINDS = st.sampled_from(["KSampler", "ConditioningCombine", "Text Concatenate", "Switch", "Save"])
NAMES = st.sampled_from(
    ["positive", "negative", "latent_image", "text", "text_a", "text_b", "steps", "seed", "select",
     "input1", "conditioning_1", "conditioning_2", "width", "height", "pipe", "delimiter", "find",
     "replace", "populated_text", "lora_name", "guider", "sampler", "model"]
)  # fmt: skip
LINKS = st.tuples(st.sampled_from("1234"), st.integers(0, 3)).map(list)
INPUTS = st.dictionaries(NAMES, LINKS | LINKS | st.text(max_size=5) | st.integers() | st.none())


@given(st.dictionaries(st.sampled_from("1234"), st.tuples(KINDS, INPUTS), min_size=1))
def test_graphs_that_go_in_circles_end(nodes: dict[str, tuple[str, Graph]]) -> None:
    comfyui.read(json.dumps({key: node(kind, **inputs) for key, (kind, inputs) in nodes.items()}))


def test_a_text_that_doubles_at_every_node_stays_small() -> None:
    graph: Graph = {
        str(n): node("Text Concatenate", text_a=to(str(n + 1)), text_b=to(str(n + 1)))
        for n in range(50)
    }
    graph["50"] = node("Text", text="1girl, " * 1000)
    began = time.thread_time()
    said = read(**graph, p=encode(to("0")))
    assert time.thread_time() - began < 5
    assert len(said.prompt) <= 64 * 1024
    assert said.prompt.startswith("1girl")


def test_many_samplers_and_a_dense_graph_do_not_take_long() -> None:
    links = {f"i{n}": to(str(n)) for n in range(900)}
    graph: Graph = {str(n): node("X", **dict(list(links.items())[:100])) for n in range(900)}
    graph |= {f"s{n}": sampler(latent_image=to("0"), positive=to("1")) for n in range(900)}
    graph |= {f"o{n}": node("SaveImage", images=to(f"s{n}")) for n in range(19)}
    began = time.thread_time()
    comfyui.read(json.dumps(graph))
    assert time.thread_time() - began < 5
