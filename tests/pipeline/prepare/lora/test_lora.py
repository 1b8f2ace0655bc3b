# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
# (the border to torch, diffusers, peft and safetensors, whose types are partly missing)
"""A model with LoRAs merged is what diffusers makes of the same files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

from bot.common.wording import words
from pipeline.errors import InputError, ModelError
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.plan.prepared import Manifest, find
from pipeline.prepare.lora.lora import Lora
from pipeline.prepare.lora.names import place
from pipeline.prepare.prepare import prepare_model
from pipeline.prepare.wish import Prepared, Talk, Wish
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from training.random_model import save_in_torch
from training.random_parts import RECIPES, RandomKind

pytest.importorskip("peft")
pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and peft warn of each other

Tensors = dict[str, torch.Tensor]
Floats = npt.NDArray[np.float32]

UNET = "down_blocks.1.attentions.0"
ATTENTION = f"{UNET}.transformer_blocks.0.attn1"
TEXT = "text_model.encoder.layers.0"


@pytest.fixture(scope="module")
def torch_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The torch weights that `tiny_path` was exported from."""
    return save_in_torch(RECIPES[RandomKind.TINY], tmp_path_factory.mktemp("torch"), 0)


@pytest.fixture
def pipe(torch_path: Path) -> Any:
    return StableDiffusionXLPipeline.from_pretrained(torch_path, local_files_only=True)


def pair(rank: int, out: int, inner: int, seed: int, tail: tuple[int, ...] = ()) -> list[Any]:
    """`down` and `up`, large enough that a wrong merge is seen."""
    random = torch.Generator().manual_seed(seed)
    ones = (1,) * len(tail)
    down = torch.randn((rank, inner, *tail), generator=random) / inner**0.5
    return [down, torch.randn((out, rank, *ones), generator=random) * 0.3]


def kohya(layers: dict[str, list[Any]], *, alpha: float | None = 2.0) -> Tensors:
    tensors: Tensors = {}
    for name, (down, up) in layers.items():
        tensors |= {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up}
        if alpha is not None:
            tensors[f"{name}.alpha"] = torch.tensor(alpha)
    return tensors


def in_diffusers(layers: dict[str, list[Any]]) -> Tensors:
    tensors: Tensors = {}
    for name, (down, up) in layers.items():
        tensors |= {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}
    return tensors


def modern_kohya() -> Tensors:
    unet = "lora_unet_" + UNET.replace(".", "_")
    block = f"{unet}_transformer_blocks_0"
    return kohya(
        {
            f"{block}_attn1_to_q": pair(4, 64, 64, 0),
            f"{block}_attn2_to_k": pair(4, 64, 64, 1),
            f"{block}_attn1_to_out_0": pair(4, 64, 64, 2),
            f"{block}_ff_net_0_proj": pair(4, 512, 64, 3),
            "lora_te1_" + TEXT.replace(".", "_") + "_self_attn_q_proj": pair(4, 32, 32, 5),
            "lora_te1_" + TEXT.replace(".", "_") + "_self_attn_out_proj": pair(4, 32, 32, 7),
            "lora_te2_" + TEXT.replace(".", "_") + "_mlp_fc1": pair(2, 64, 32, 6),
        }
    )


def old_kohya() -> Tensors:
    """The UNet's blocks by the names of the first Stable Diffusion (one layer a block here)."""
    return kohya(
        {
            "lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_v": pair(4, 64, 64, 0),
            "lora_unet_middle_block_1_transformer_blocks_1_attn2_to_q": pair(4, 64, 64, 1),
            "lora_unet_output_blocks_1_1_transformer_blocks_1_ff_net_2": pair(4, 64, 256, 2),
            "lora_unet_input_blocks_1_0_in_layers_2": pair(4, 32, 32, 3, (3, 3)),
            "lora_unet_input_blocks_1_0_emb_layers_1": pair(4, 32, 128, 4),
            "lora_unet_middle_block_2_out_layers_3": pair(4, 64, 64, 5, (3, 3)),
        },
        alpha=1.0,
    )


def plain_diffusers() -> Tensors:
    return in_diffusers(
        {
            f"unet.{ATTENTION}.to_q": pair(4, 64, 64, 0),
            f"unet.{ATTENTION}.to_out.0": pair(4, 64, 64, 1),
            f"unet.{UNET}.proj_in": pair(4, 64, 64, 2),
            "unet.down_blocks.0.resnets.0.conv1": pair(4, 32, 32, 3, (3, 3)),
            f"text_encoder.{TEXT}.self_attn.v_proj": pair(4, 32, 32, 4),
            f"text_encoder_2.{TEXT}.self_attn.out_proj": pair(4, 32, 32, 5),
        }
    )


def write(path: Path, tensors: Tensors, metadata: dict[str, str] | None = None) -> Path:
    save_file({name: each.contiguous() for name, each in tensors.items()}, path, metadata)
    return path


def merge(source: ModelFolder, models: Path, *loras: Lora, variant: Variant = "fp32") -> Prepared:
    factory = SessionFactory(provider="cpu", threads=1, mapped=True)
    wish = Wish(variant=variant, loras=loras)
    return prepare_model(source, models, wish, factory=factory, talk=Talk())


def outputs(folder: ModelFolder) -> list[Floats]:
    """What UNet and text encoders of a folder make of fixed inputs."""
    factory = SessionFactory(provider="cpu", threads=1)
    feed = inputs()
    unet = factory.open(folder, "unet")
    shape = unet.inputs["timestep"].shape
    feed["timestep"] = np.full(2 if shape else (), 401.0, np.float32)
    ids = {"input_ids": feed.pop("ids")}
    first = factory.open(folder, "text_encoder").run(ids)
    second = factory.open(folder, "text_encoder_2").run(ids)
    return [unet.run(feed)["out_sample"], first["last_hidden_state"], second["text_embeds"]]


def inputs() -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {
        "sample": random.standard_normal((2, 4, 16, 24)).astype(np.float32),
        "encoder_hidden_states": random.standard_normal((2, 77, 64)).astype(np.float32),
        "text_embeds": random.standard_normal((2, 32)).astype(np.float32),
        "time_ids": np.full((2, 6), 512, np.float32),
        "ids": random.integers(0, 1000, (1, 77)).astype(np.int64),
    }


def reference(pipe: Any) -> list[Floats]:
    """The same from torch."""
    feed = {name: torch.from_numpy(value) for name, value in inputs().items()}
    with torch.no_grad():
        noise_pred = pipe.unet(
            feed["sample"],
            torch.tensor(401.0),
            encoder_hidden_states=feed["encoder_hidden_states"],
            added_cond_kwargs={"text_embeds": feed["text_embeds"], "time_ids": feed["time_ids"]},
        ).sample
        first = pipe.text_encoder(feed["ids"]).last_hidden_state
        second = pipe.text_encoder_2(feed["ids"]).text_embeds
    return [noise_pred.numpy(), first.numpy(), second.numpy()]


def distance(ours: Floats, theirs: Floats) -> float:
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


@pytest.mark.parametrize(
    ("make", "strength"), [(modern_kohya, 0.7), (old_kohya, -0.6), (plain_diffusers, 1.0)]
)
def test_the_merged_model_is_that_of_diffusers(
    make: Callable[[], Tensors], strength: float, pipe: Any, tiny: ModelFolder, tmp_path: Path
) -> None:
    path = write(tmp_path / "style.safetensors", make())
    before = reference(pipe)
    pipe.load_lora_weights(tmp_path, weight_name=path.name, adapter_name="style")
    pipe.set_adapters(["style"], [strength])
    wanted = reference(pipe)
    assert distance(before[0], wanted[0]) > 0.01, "the LoRA should be seen, or this shows nothing"
    made = merge(tiny, tmp_path / "models", Lora(path=path, strength=strength))
    for ours, theirs in zip(outputs(ModelFolder.open(made.path)), wanted, strict=True):
        assert distance(ours, theirs) < 2e-5


@pytest.mark.usefixtures("unchecked")
def test_several_are_added(pipe: Any, tiny: ModelFolder, tmp_path: Path) -> None:
    one = write(tmp_path / "one.safetensors", modern_kohya())
    two = write(tmp_path / "two.safetensors", plain_diffusers())
    for path in (one, two):
        pipe.load_lora_weights(tmp_path, weight_name=path.name, adapter_name=path.stem)
    pipe.set_adapters(["one", "two"], [0.5, 0.8])
    wanted = reference(pipe)
    loras = (Lora(path=one, strength=0.5), Lora(path=two, strength=0.8))
    made = merge(tiny, tmp_path / "models", *loras)
    for ours, theirs in zip(outputs(ModelFolder.open(made.path)), wanted, strict=True):
        assert distance(ours, theirs) < 2e-5


@pytest.mark.usefixtures("unchecked")
def test_what_diffusers_saves_with_its_notes_is_read(
    pipe: Any, tiny: ModelFolder, tmp_path: Path
) -> None:
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    config = LoraConfig(r=4, lora_alpha=10, target_modules=["to_q", "to_v"])
    pipe.unet.add_adapter(config, adapter_name="default")
    torch.manual_seed(0)
    for name, values in pipe.unet.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(values, std=0.3)
    wanted = reference(pipe)
    layers: dict[str, Any] = {**get_peft_model_state_dict(pipe.unet)}
    StableDiffusionXLPipeline.save_lora_weights(
        tmp_path,
        unet_lora_layers=layers,
        unet_lora_adapter_metadata=pipe.unet.peft_config["default"].to_dict(),
    )
    path = tmp_path / "pytorch_lora_weights.safetensors"
    made = merge(tiny, tmp_path / "models", Lora(path=path))
    assert distance(outputs(ModelFolder.open(made.path))[0], wanted[0]) < 2e-5


@pytest.mark.parametrize("variant", ["fp16", "int8"])
def test_other_variants_stay_near_the_merged_one(
    variant: Variant, tiny: ModelFolder, tmp_path: Path
) -> None:
    """The check compares with the source plus the same LoRA, so a lost LoRA would fail it."""
    lora = Lora(path=write(tmp_path / "style.safetensors", modern_kohya()))
    made = merge(tiny, tmp_path, lora, variant=variant)
    assert made.manifest.errors["unet"] < {"fp16": 0.005, "int8": 0.1}[variant]


@pytest.mark.usefixtures("unchecked")
def test_half_and_brain_floats_are_read(tiny: ModelFolder, tmp_path: Path) -> None:
    tensors = modern_kohya()
    found: list[Floats] = []
    for kind in (torch.float32, torch.float16, torch.bfloat16):
        path = tmp_path / f"{kind}.safetensors".replace("torch.", "")
        write(path, {name: each.to(kind) for name, each in tensors.items()})
        made = merge(tiny, tmp_path, Lora(path=path))
        found.append(outputs(ModelFolder.open(made.path))[0])
    assert 0 < distance(found[1], found[0]) < 2e-3
    assert 0 < distance(found[2], found[0]) < 2e-2


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2])
def test_eight_bit_floats_are_read_as_they_are(
    kind: torch.dtype, tiny: ModelFolder, tmp_path: Path
) -> None:
    rounded = {name: each.to(kind) for name, each in modern_kohya().items()}
    wide = write(tmp_path / "wide.safetensors", {n: each.float() for n, each in rounded.items()})
    found = [
        outputs(ModelFolder.open(merge(tiny, tmp_path, Lora(path=path)).path))[0]
        for path in (write(tmp_path / "narrow.safetensors", rounded), wide)
    ]
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.usefixtures("unchecked")
def test_a_whole_alpha_is_read(tiny: ModelFolder, tmp_path: Path) -> None:
    tensors = modern_kohya()
    whole = {n: each.to(torch.int64) if "alpha" in n else each for n, each in tensors.items()}
    found = [
        outputs(ModelFolder.open(merge(tiny, tmp_path, Lora(path=path)).path))[0]
        for path in (
            write(tmp_path / "a.safetensors", tensors),
            write(tmp_path / "b.safetensors", whole),
        )
    ]
    np.testing.assert_array_equal(found[0], found[1])


def dotted_diffusers() -> Tensors:
    """The first Stable Diffusion's names with dots, below diffusers' prefix."""
    return _with_dots("unet")


def of_comfy() -> Tensors:
    return _with_dots("diffusion_model")


def kohya_with_dots() -> Tensors:
    return _with_dots("lora_unet")


def _with_dots(prefix: str) -> Tensors:
    renamed = {
        "lora_unet_input_blocks_3_1_transformer_blocks_0_attn1_to_v": (
            "input_blocks.3.1.transformer_blocks.0.attn1.to_v"
        ),
        "lora_unet_middle_block_1_transformer_blocks_1_attn2_to_q": (
            "middle_block.1.transformer_blocks.1.attn2.to_q"
        ),
        "lora_unet_output_blocks_1_1_transformer_blocks_1_ff_net_2": (
            "output_blocks.1.1.transformer_blocks.1.ff.net.2"
        ),
        "lora_unet_input_blocks_1_0_in_layers_2": "input_blocks.1.0.in_layers.2",
        "lora_unet_input_blocks_1_0_emb_layers_1": "input_blocks.1.0.emb_layers.1",
        "lora_unet_middle_block_2_out_layers_3": "middle_block.2.out_layers.3",
    }
    tensors: Tensors = {}
    for key, values in old_kohya().items():
        layer, _, rest = key.partition(".")
        tensors[f"{prefix}.{renamed[layer]}.{rest}"] = values
    return tensors


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("make", [dotted_diffusers, of_comfy, kohya_with_dots])
def test_dots_and_underscores_name_the_same_layers(
    make: Callable[[], Tensors], tiny: ModelFolder, tmp_path: Path
) -> None:
    found = [
        outputs(ModelFolder.open(merge(tiny, tmp_path, Lora(path=path)).path))[0]
        for path in (
            write(tmp_path / "dots.safetensors", make()),
            write(tmp_path / "plain.safetensors", old_kohya()),
        )
    ]
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.usefixtures("unchecked")
def test_the_record_says_which(tiny: ModelFolder, tmp_path: Path) -> None:
    path = write(tmp_path / "style.safetensors", modern_kohya())
    plain = ModelFolder.open(merge(tiny, tmp_path / "models").path)
    made = merge(tiny, tmp_path / "models", Lora(path=path, strength=0.8))
    folder = find(tmp_path / "models", tiny, "auto", CPU)
    assert folder.name == f"{tiny.name} + style:0.8"
    assert folder.content_hash not in {tiny.content_hash, ""}
    assert plain.content_hash == tiny.content_hash
    (note,) = Manifest.load(made.path).loras
    assert (note.name, note.strength, len(note.sha256)) == ("style", 0.8, 64)


def refused(source: ModelFolder, tmp_path: Path, path: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        merge(source, tmp_path / "models", Lora(path=path))
    assert not list(tmp_path.rglob("model.onnx*")), "nothing is written for it"
    return caught.value


@pytest.mark.parametrize(
    ("key", "kind", "what"),
    [
        (
            "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
            "lora_unknown_keys",
            "",
        ),
        (
            "lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
            "lora_model",
            "Stable Diffusion 1.5",
        ),
        ("lora_unet_down_blocks_1_attentions_0_proj_in.hada_w1_a", "lora_method", "LoHa"),
        ("lora_unet_down_blocks_1_attentions_0_proj_in.lokr_w1", "lora_method", "LoKr"),
        ("lora_unet_down_blocks_1_attentions_0_proj_in.dora_scale", "lora_method", "DoRA"),
        ("lora_unet_down_blocks_1_attentions_0_proj_in.diff", "lora_method", "difference"),
        ("transformer.blocks.0.attn.to_q.lora_A.weight", "lora_model", "transformer"),
        ("lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", "lora_model", "FLUX"),
        ("conv_in.weight", "lora_unknown_keys", ""),
    ],
)
def test_unknown_keys_are_named(
    key: str, kind: str, what: str, tiny: ModelFolder, tmp_path: Path
) -> None:
    """Of Stable Diffusion 1.5, of other methods, of other architectures."""
    tensors = modern_kohya()
    down, up = pair(4, 64, 64, 0)
    tensors[key] = down
    if "down.weight" in key:
        tensors[key.replace("down.weight", "up.weight")] = up
    if "lora_A" in key:
        tensors[key.replace("lora_A", "lora_B")] = up
    error = refused(tiny, tmp_path, write(tmp_path / "other.safetensors", tensors))
    assert error.key == kind
    assert what in str(error.data)
    assert key in str(error.data["keys"])
    assert what in words(error)


def test_a_lora_of_another_width_is_refused(tiny: ModelFolder, tmp_path: Path) -> None:
    name = "lora_unet_" + ATTENTION.replace(".", "_") + "_to_q"
    path = write(tmp_path / "wide.safetensors", kohya({name: pair(4, 640, 640, 0)}))
    error = refused(tiny, tmp_path, path)
    assert error.key == "lora_unfit"
    assert (error.data["want"], error.data["have"]) == ("64 x 64", "640 x 640")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"no safetensors", "no safetensors file"),
        (b"\xff" * 64, "no safetensors file"),
        (b"PK\x03\x04" + b"x" * 64, "PyTorch"),
        (b"\x80\x02}q\x00", "PyTorch"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\x02" + 7 * b"\0" + b"{}", "none at all"),
        (b"\x02" + 7 * b"\0" + b"[]", "no safetensors file"),
    ],
)
def test_a_file_that_is_no_lora_says_what_it_is(
    content: bytes, what: str, tiny: ModelFolder, tmp_path: Path
) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    assert what in words(refused(tiny, tmp_path, path))


@pytest.mark.parametrize(
    ("change", "key", "what"),
    [
        (lambda t: t * float("nan"), "lora_not_finite", "lora_down"),
        (lambda t: t / 0, "lora_not_finite", "lora_down"),
        (lambda t: t.to(torch.int8), "lora_type", "I8"),
        (lambda t: t.to(torch.complex64), "lora_type", "C64"),
        (lambda t: t[:2], "lora_unreadable", "different ranks (2 and 4)"),
        (lambda t: t[:0], "lora_unreadable", "no pair"),
        (lambda t: t[0], "lora_unreadable", "no pair"),
    ],
)
def test_a_damaged_matrix_is_named(
    change: Callable[[Any], Any], key: str, what: str, tiny: ModelFolder, tmp_path: Path
) -> None:
    tensors = modern_kohya()
    name = next(each for each in tensors if "lora_down" in each)
    tensors[name] = change(tensors[name])
    error = refused(tiny, tmp_path, write(tmp_path / "damaged.safetensors", tensors))
    assert error.key == key
    assert what in words(error)


@pytest.mark.parametrize("notes", ["[]", "no JSON", '{"unet.lora_alpha": "x"}'])
def test_notes_that_cant_be_used_are_told(notes: str, tiny: ModelFolder, tmp_path: Path) -> None:
    tensors = in_diffusers({f"unet.{ATTENTION}.to_q": pair(4, 64, 64, 0)})
    path = write(tmp_path / "a.safetensors", tensors, {"lora_adapter_metadata": notes})
    error = refused(tiny, tmp_path, path)
    assert (error.key, "notes" in words(error)) == ("lora_unreadable", True)


def test_strengths_at_which_nothing_is_left_of_the_model_are_told(
    tiny: ModelFolder, tmp_path: Path
) -> None:
    """Its values are numbers, what they give is none: no other variant would help."""
    tensors = {name: each * 1e30 for name, each in modern_kohya().items()}
    path = write(tmp_path / "huge.safetensors", tensors)
    with pytest.raises(ModelError) as caught, np.errstate(all="ignore"):
        merge(tiny, tmp_path / "models", Lora(path=path))
    assert caught.value.key == "merged_not_finite"
    assert "variant" not in words(caught.value)


def test_a_cut_off_or_missing_file_is_refused(tiny: ModelFolder, tmp_path: Path) -> None:
    path = write(tmp_path / "style.safetensors", modern_kohya())
    path.write_bytes(path.read_bytes()[:-1])
    assert refused(tiny, tmp_path, path).key == "lora_unreadable"
    assert refused(tiny, tmp_path, tmp_path / "none.safetensors").key == "lora_unreadable"


def test_strength_is_read_after_the_last_colon(tmp_path: Path) -> None:
    assert Lora.parse("a.safetensors") == Lora(path=Path("a.safetensors"))
    assert Lora.parse("a.safetensors:0.7") == Lora(path=Path("a.safetensors"), strength=0.7)
    assert Lora.parse("a.safetensors:-1") == Lora(path=Path("a.safetensors"), strength=-1)
    assert Lora.parse("b:a.safetensors").path == Path("b:a.safetensors")
    odd = tmp_path / "odd:1"
    odd.touch()
    assert Lora.parse(str(odd)) == Lora(path=odd)
    for typed in (
        "a.safetensors:0,7",
        "a.safetensors\uff1a\uff10.\uff17",
        "a.safetensors:0\uff0c7",
    ):
        assert Lora.parse(typed) == Lora(path=Path("a.safetensors"), strength=0.7)
    assert Lora.parse("C:\\loras\\a.safetensors").path == Path("C:\\loras\\a.safetensors")
    wrongs = ("a:nan", "a:1e9", "a.safetensors:", "a.safetensors:high", "a.safetensors:80%")
    for wrong in (*wrongs, "a.safetensors:0,7,1", f"{odd}:much"):
        with pytest.raises(InputError) as caught:
            Lora.parse(wrong)
        assert caught.value.key == "lora_strength"


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("lora_unet_input_blocks_4_1_proj_in", "down_blocks_1_attentions_0_proj_in"),
        ("lora_unet_input_blocks_3_0_op", "down_blocks_0_downsamplers_0_conv"),
        ("lora_unet_input_blocks_0_0", "conv_in"),
        ("lora_unet_output_blocks_5_2_conv", "up_blocks_1_upsamplers_0_conv"),
        ("lora_unet_output_blocks_3_1_proj_out", "up_blocks_1_attentions_0_proj_out"),
        ("lora_unet_middle_block_0_in_layers_2", "mid_block_resnets_0_conv1"),
        ("lora_unet_time_embed_2", "time_embedding_linear_2"),
        ("lora_unet_label_emb_0_0", "add_embedding_linear_1"),
        ("unet.mid_block.attentions.0.processor.to_out", "mid_block_attentions_0_to_out_0"),
    ],
)
def test_names_of_sdxl_itself(spelled: str, name: str) -> None:
    assert place(spelled, layers_per_block=2) == ("unet", name)
