# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false, reportMissingTypeStubs=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
# (the border to torch and safetensors, whose types are partly missing)
"""An adapter's A B is the change that the LoRA makes, whatever the file's format and method."""

import hashlib
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from bot.common.wording import words
from data.shipped.paths import DEMO_MODEL
from pipeline.errors import ModelError
from pipeline.prepare.lora.adapter import Converted, convert
from pipeline.prepare.lora.file import LoraFile
from pipeline.prepare.lora.linear_layers import LinearLayers
from tests.pipeline.prepare.lora.loras import (
    ATTENTION,
    TEXT,
    Tensors,
    in_diffusers,
    kohya,
    modern_kohya,
    old_kohya,
    pair,
    plain_diffusers,
    write,
)

QUERY = f"{ATTENTION}.to_q"
KOHYA = "lora_unet_" + QUERY.replace(".", "_")


@pytest.fixture(scope="module")
def layers(tiny_path: Path) -> LinearLayers:
    return LinearLayers.of(tiny_path)


class Made:
    """A converted file: `result`, and the change of each layer as (out, in, ...)."""

    def __init__(self, path: Path, layers: LinearLayers) -> None:
        target = path.with_suffix(".made")
        self.result: Converted = convert(LoraFile(path, products=True), layers, target)
        self.content = target.read_bytes()
        self.tensors = load_file(target)
        self.types = {str(each.dtype) for each in self.tensors.values()}
        self.changes = {
            name.removesuffix("/A"): _change(a, self.tensors[name[:-1] + "B"])
            for name, a in self.tensors.items()
            if name.endswith("/A")
        }


def _change(a: Any, b: Any) -> Any:
    """What is added to a layer's weight."""
    wide_a, wide_b = a.astype(np.float32), b.astype(np.float32)
    if a.ndim == 4:
        return np.einsum("or,rihw->oihw", wide_b[..., 0, 0], wide_a)
    return (wide_a @ wide_b).T


def made(tensors: Tensors, layers: LinearLayers, tmp_path: Path, **notes: str) -> Made:
    return Made(write(tmp_path / "style.safetensors", tensors, notes or None), layers)


def refused(tensors: Tensors, layers: LinearLayers, tmp_path: Path, **notes: str) -> ModelError:
    with pytest.raises(ModelError) as caught:
        made(tensors, layers, tmp_path, **notes)
    assert not (tmp_path / "style.made").exists(), "nothing is written for it"
    return caught.value


def same(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, np.asarray(wanted), rtol=1e-5, atol=1e-6)


def test_kohyas_format(layers: LinearLayers, tmp_path: Path) -> None:
    tensors = modern_kohya()
    found = made(tensors, layers, tmp_path)
    parts = {"lora_unet": "unet", "lora_te1": "text_encoder", "lora_te2": "text_encoder_2"}
    for key in [key for key in tensors if key.endswith(".alpha")]:
        name = key.removesuffix(".alpha")
        up, down = tensors[f"{name}.lora_up.weight"], tensors[f"{name}.lora_down.weight"]
        part = "_".join(name.split("_")[:2])
        (module,) = (
            layer for layer in found.changes if layer.replace(".", "_").replace("/", "_")
            == f"{parts[part]}{name.removeprefix(part)}"
        )  # fmt: skip
        same(found.changes.pop(module), up @ down * 2.0 / len(down))
    assert not found.changes
    assert found.result.parts == ("text_encoder", "text_encoder_2", "unet")
    assert (found.result.rank, found.result.layers) == (4, 7)
    assert found.tensors[f"unet/{QUERY}/A"].shape == (64, 4)
    assert found.tensors["text_encoder_2/text_model.encoder.layers.0.mlp.fc1/B"].shape == (2, 64)


def test_the_older_names_of_blocks(layers: LinearLayers, tmp_path: Path) -> None:
    tensors = old_kohya()
    found = made(tensors, layers, tmp_path)
    assert set(found.changes) == {
        "unet/down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_v",
        "unet/mid_block.attentions.0.transformer_blocks.1.attn2.to_q",
        "unet/up_blocks.0.attentions.1.transformer_blocks.1.ff.net.2",
        "unet/down_blocks.0.resnets.0.time_emb_proj",
        "unet/down_blocks.0.resnets.0.conv1",
        "unet/mid_block.resnets.1.conv2",
    }
    name = "lora_unet_middle_block_2_out_layers_3"
    up, down = tensors[f"{name}.lora_up.weight"], tensors[f"{name}.lora_down.weight"]
    wanted = torch.einsum("or,rihw->oihw", up[..., 0, 0], down) / 4
    same(found.changes["unet/mid_block.resnets.1.conv2"], wanted)
    assert found.tensors["unet/mid_block.resnets.1.conv2/A"].shape == (4, 64, 3, 3)
    assert found.tensors["unet/mid_block.resnets.1.conv2/B"].shape == (64, 4, 1, 1)


CONV = "down_blocks.0.resnets.0.conv1"
KOHYA_CONV = "lora_unet_" + CONV.replace(".", "_")


def test_a_locon_with_a_middle_is_a_product_of_two(layers: LinearLayers, tmp_path: Path) -> None:
    down, up = pair(4, 32, 32, 0, (1, 1))
    mid = torch.randn(4, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    tensors = kohya({KOHYA_CONV: [down, up]}) | {f"{KOHYA_CONV}.lora_mid.weight": mid}
    found = made(tensors, layers, tmp_path)
    wanted = torch.einsum("or,rshw,si->oihw", up[..., 0, 0], mid, down[..., 0, 0]) / 2
    same(found.changes[f"unet/{CONV}"], wanted)
    assert found.result.rank == 4


def test_loha_and_lokr_of_a_convolution(layers: LinearLayers, tmp_path: Path) -> None:
    (b1, a1), (b2, a2) = pair(3, 32, 288, 0), pair(3, 32, 288, 1)
    loha = {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2}
    found = made({f"{KOHYA_CONV}.{key}": each for key, each in loha.items()}, layers, tmp_path)
    same(found.changes[f"unet/{CONV}"], ((a1 @ b1) * (a2 @ b2)).reshape(32, 32, 3, 3))
    random = torch.Generator().manual_seed(2)
    one = torch.randn(4, 8, generator=random)
    two = torch.randn(8, 4, 3, 3, generator=random)
    lokr = {f"{KOHYA_CONV}.lokr_w1": one, f"{KOHYA_CONV}.lokr_w2": two}
    found = made(lokr, layers, tmp_path)
    same(found.changes[f"unet/{CONV}"], torch.kron(one[..., None, None], two))
    assert found.result.rank == 4 * 8


@pytest.mark.parametrize(
    ("tail", "have"), [((1, 1), "1 x 1"), ((5, 5), "5 x 5"), ((3, 1), "3 x 1"), ((), "32 x 32")]
)
def test_a_kernel_of_another_size_is_refused(
    tail: tuple[int, ...], have: str, layers: LinearLayers, tmp_path: Path
) -> None:
    error = refused(kohya({KOHYA_CONV: pair(4, 32, 32, 0, tail)}), layers, tmp_path)
    assert (error.key, error.data["want"]) == ("lora_unfit", "32 x 32 x 3 x 3")
    assert str(error.data["have"]).endswith(have)


def test_diffusers_format(layers: LinearLayers, tmp_path: Path) -> None:
    tensors = plain_diffusers()
    found = made(tensors, layers, tmp_path)
    convolution = found.changes.pop("unet/down_blocks.0.resnets.0.conv1")
    assert convolution.shape == (32, 32, 3, 3)
    for module, change in found.changes.items():
        name = module.replace("/", ".")
        same(change, tensors[f"{name}.lora_B.weight"] @ tensors[f"{name}.lora_A.weight"])
    assert len(found.changes) == 5


def test_the_alpha_that_peft_notes(layers: LinearLayers, tmp_path: Path) -> None:
    down, up = pair(4, 64, 64, 0)
    notes = json.dumps({"unet.lora_alpha": 10, "unet.use_rslora": True})
    tensors = in_diffusers({f"unet.{QUERY}": [down, up]})
    found = made(tensors, layers, tmp_path, lora_adapter_metadata=notes)
    same(found.changes[f"unet/{QUERY}"], up @ down * 5.0)


def test_half_precision_is_kept_and_single_is_not_rounded(
    layers: LinearLayers, tmp_path: Path
) -> None:
    single = made(modern_kohya(), layers, tmp_path)
    assert single.types == {"float32"}
    for kind in (torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2):
        rounded = {
            key: each if key.endswith("alpha") else each.to(kind)
            for key, each in modern_kohya().items()
        }
        wide = {key: each.float() for key, each in rounded.items()}
        half = made(rounded, layers, tmp_path)
        assert half.types == {"float16"}
        for module, change in made(wide, layers, tmp_path).changes.items():
            same(half.changes[module], change)


def test_small_values_survive_half_precision(layers: LinearLayers, tmp_path: Path) -> None:
    """Up is often a thousand times smaller than down, and alpha / rank 1/128."""
    down, up = pair(4, 64, 64, 0)
    half = [down.half(), (up * 1e-4).half()]
    found = made(kohya({KOHYA: half}, alpha=1 / 32), layers, tmp_path)
    assert found.types == {"float16"}
    wanted = (half[1].float() @ half[0].float() / 128).numpy()
    error = np.abs(found.changes[f"unet/{QUERY}"] - wanted).max()
    assert error < 1e-4 * np.abs(wanted).max()


def test_a_whole_alpha_is_read(layers: LinearLayers, tmp_path: Path) -> None:
    tensors = modern_kohya()
    whole = {n: each.to(torch.int64) if "alpha" in n else each for n, each in tensors.items()}
    one = made(tensors, layers, tmp_path)
    assert made(whole, layers, tmp_path).result.sha256 == one.result.sha256
    assert hashlib.sha256(one.content).hexdigest() == one.result.sha256
    assert len(one.content) == one.result.size_bytes


def test_convolutions_of_one_by_one_are_linear(layers: LinearLayers, tmp_path: Path) -> None:
    down, up = pair(4, 64, 64, 0, (1, 1))
    found = made(kohya({KOHYA: [down, up]}), layers, tmp_path)
    same(found.changes[f"unet/{QUERY}"], up[:, :, 0, 0] @ down[:, :, 0, 0] / 2)
    mid = torch.randn(4, 4, 1, 1)
    tensors = kohya({KOHYA: [down, up]}) | {f"{KOHYA}.lora_mid.weight": mid}
    found = made(tensors, layers, tmp_path)
    wanted = torch.einsum("or,rshw,si->oi", up[:, :, 0, 0], mid, down[:, :, 0, 0]) / 2
    same(found.changes[f"unet/{QUERY}"], wanted)


def test_ranks_may_differ_by_layer(layers: LinearLayers, tmp_path: Path) -> None:
    other = KOHYA.replace("to_q", "to_k")
    found = made(kohya({KOHYA: pair(1, 64, 64, 0), other: pair(9, 64, 64, 1)}), layers, tmp_path)
    assert found.result.rank == 9
    assert found.tensors[f"unet/{QUERY}/A"].shape == (64, 1)


def test_two_spellings_of_a_layer_are_added(layers: LinearLayers, tmp_path: Path) -> None:
    one, two = pair(2, 64, 64, 0), pair(3, 64, 64, 1)
    tensors = kohya({KOHYA: one}) | in_diffusers({f"unet.{QUERY}": two})
    found = made(tensors, layers, tmp_path)
    same(found.changes[f"unet/{QUERY}"], one[1] @ one[0] + two[1] @ two[0])


def test_loha_is_the_product_of_two(layers: LinearLayers, tmp_path: Path) -> None:
    (b1, a1), (b2, a2) = pair(3, 64, 64, 0), pair(3, 64, 64, 1)
    tensors = {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2}
    named = {f"{KOHYA}.{key}": each for key, each in tensors.items()}
    found = made(named | {f"{KOHYA}.alpha": torch.tensor(1.5)}, layers, tmp_path)
    same(found.changes[f"unet/{QUERY}"], (a1 @ b1) * (a2 @ b2) / 2)
    assert found.result.rank == 9


@pytest.mark.parametrize("first_is_whole", [True, False])
@pytest.mark.parametrize("second_is_whole", [True, False])
@pytest.mark.parametrize("shape", [(8, 4), (4, 8)])
def test_lokr_is_a_kronecker_product(
    first_is_whole: bool,
    second_is_whole: bool,
    shape: tuple[int, int],
    layers: LinearLayers,
    tmp_path: Path,
) -> None:
    height, width = shape
    (b1, a1), (b2, a2) = pair(2, height, width, 0), pair(2, 512 // height, 64 // width, 1)
    wanted = np.kron(a1 @ b1, a2 @ b2)
    layer = KOHYA.replace("attn1_to_q", "ff_net_0_proj")  # 512 x 64
    tensors = {f"{layer}.alpha": torch.tensor(5.0)}
    for name, whole, a, b in (
        ("lokr_w1", first_is_whole, a1, b1),
        ("lokr_w2", second_is_whole, a2, b2),
    ):
        if whole:
            tensors[f"{layer}.{name}"] = a @ b
        else:
            tensors |= {f"{layer}.{name}_a": a, f"{layer}.{name}_b": b}
    found = made(tensors, layers, tmp_path)
    scale = 1.0 if first_is_whole and second_is_whole else 2.5
    (change,) = found.changes.values()
    same(change, wanted * scale)


@pytest.mark.parametrize(
    ("tensors", "method"),
    [
        ({f"{KOHYA}.dora_scale": torch.ones(64, 1)} | kohya({KOHYA: pair(4, 64, 64, 0)}), "DoRA"),
        ({f"{KOHYA}.hada_t1": torch.ones(3, 3, 3, 3)}, "LoHa"),
        ({f"{KOHYA}.lokr_t2": torch.ones(3, 3, 3, 3)}, "LoKr"),
        ({f"{KOHYA}.oft_blocks": torch.ones(4, 8, 8)}, "OFT"),
        ({f"{KOHYA}.diff": torch.ones(64, 64)}, "difference"),
    ],
)
def test_other_methods_are_refused_by_name(
    tensors: Tensors, method: str, layers: LinearLayers, tmp_path: Path
) -> None:
    error = refused(tensors, layers, tmp_path)
    assert error.key == "lora_method"
    assert method in words(error)


def test_products_of_too_high_a_rank_are_refused(layers: LinearLayers, tmp_path: Path) -> None:
    (b1, a1), (b2, a2) = pair(32, 64, 64, 0), pair(32, 64, 64, 1)
    tensors = {"hada_w1_a": a1, "hada_w1_b": b1, "hada_w2_a": a2, "hada_w2_b": b2}
    error = refused({f"{KOHYA}.{key}": each for key, each in tensors.items()}, layers, tmp_path)
    assert (error.key, error.data["rank"]) == ("lora_rank", 1024)
    assert "512" in words(error)


def in_kohya(module: str) -> str:
    return "lora_unet_" + module.replace(".", "_")


@pytest.mark.parametrize(
    ("tensors", "model"),
    [
        (
            kohya(
                {
                    in_kohya("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k"): pair(
                        4, 320, 768, 0
                    )
                }
            ),
            "Stable Diffusion 1.5",
        ),
        (
            kohya(
                {
                    in_kohya("down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"): pair(
                        4, 640, 1024, 0
                    )
                }
            ),
            "Stable Diffusion 2",
        ),
        (kohya({"lora_te_text_model_encoder_layers_0_mlp_fc1": pair(4, 3072, 768, 0)}), "1.5 or 2"),
        (kohya({"lora_unet_double_blocks_0_img_attn_proj": pair(4, 64, 64, 0)}), "FLUX"),
        (
            in_diffusers({"transformer.single_transformer_blocks.0.attn.to_q": pair(4, 64, 64, 0)}),
            "FLUX",
        ),
        (in_diffusers({"diffusion_model.blocks.0.self_attn.q": pair(4, 64, 64, 0)}), "transformer"),
        (kohya({"lora_unet_joint_blocks_0_context_block_attn_qkv": pair(4, 64, 64, 0)}), "n 3"),
    ],
)
def test_loras_for_other_models_are_refused_by_name(
    tensors: Tensors, model: str, tmp_path: Path
) -> None:
    error = refused(tensors, LinearLayers.standard(), tmp_path)
    assert error.key == "lora_model"
    assert model in words(error)


def test_a_lora_of_another_width_is_refused(tmp_path: Path) -> None:
    error = refused(modern_kohya(), LinearLayers.of(DEMO_MODEL), tmp_path)
    assert error.key in {"lora_unfit", "lora_unknown_keys"}
    error = refused(kohya({KOHYA: pair(4, 64, 64, 0)}), LinearLayers.standard(), tmp_path)
    assert (error.key, error.data["want"], error.data["have"]) == (
        "lora_unfit",
        "640 x 640",
        "64 x 64",
    )


@pytest.mark.parametrize(
    ("change", "key", "what"),
    [
        (lambda t: t * float("nan"), "lora_not_finite", KOHYA),
        (lambda t: t / 0, "lora_not_finite", KOHYA),
        (lambda t: t * 1e38 * 1e38, "lora_not_finite", KOHYA),
        (lambda t: t.to(torch.int8), "lora_type", "I8"),
        (lambda t: t[:2], "lora_unreadable", "different ranks (2 and 4)"),
        (lambda t: t[:0], "lora_unreadable", "no pair"),
        (lambda t: t[0], "lora_unreadable", "no pair"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_damaged_matrix_is_named(
    change: Callable[[Any], Any], key: str, what: str, layers: LinearLayers, tmp_path: Path
) -> None:
    tensors = modern_kohya()
    tensors[f"{KOHYA}.lora_down.weight"] = change(tensors[f"{KOHYA}.lora_down.weight"])
    error = refused(tensors, layers, tmp_path)
    assert error.key == key
    assert what in words(error)


@pytest.mark.parametrize("missing", ["lora_up.weight", "lora_down.weight"])
def test_a_missing_half_is_named(missing: str, layers: LinearLayers, tmp_path: Path) -> None:
    tensors = modern_kohya()
    del tensors[f"{KOHYA}.{missing}"]
    error = refused(tensors, layers, tmp_path)
    assert error.key == "lora_unreadable"
    assert "no other half" in words(error)


def test_a_lora_that_changes_nothing_says_so(layers: LinearLayers, tmp_path: Path) -> None:
    down, up = pair(4, 64, 64, 0)
    assert made(kohya({KOHYA: [down, up * 0]}), layers, tmp_path).result.is_zero
    assert not made(kohya({KOHYA: [down, up]}), layers, tmp_path).result.is_zero


def test_memory_is_bounded_by_a_layer(tmp_path: Path) -> None:
    """A file of 35 MB takes no more than its largest layers."""
    names = [
        in_kohya(f"mid_block.attentions.0.transformer_blocks.{at}.ff.net.0.proj")
        for at in range(10)
    ]
    pairs = {name: [each.half() for each in pair(128, 10240, 1280, 0)] for name in names}
    path = write(tmp_path / "big.safetensors", kohya(pairs))
    tracemalloc.start()
    result = convert(LoraFile(path, products=True), LinearLayers.standard(), tmp_path / "made")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.size_bytes > 29_000_000
    assert peak < 40 * 128 * (10240 + 1280)


def test_a_text_encoders_projection_is_known(tmp_path: Path) -> None:
    tensors = kohya({"lora_te2_text_projection": pair(4, 1280, 1280, 0)})
    tensors |= kohya({"lora_te1_" + TEXT.replace(".", "_") + "_mlp_fc2": pair(4, 768, 3072, 0)})
    found = made(tensors, LinearLayers.standard(), tmp_path)
    assert set(found.changes) == {
        "text_encoder_2/text_projection",
        f"text_encoder/{TEXT}.mlp.fc2",
    }
