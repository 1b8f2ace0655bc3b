# pyright: reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false, reportUnknownParameterType=false
# (the border to torch, diffusers, peft and safetensors, whose types are partly missing)
"""A model with LoRAs merged is what diffusers makes of the same files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline

from bot.common.wording import words
from pipeline.errors import InputError, ModelError
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.plan.prepared import Manifest, find
from pipeline.prepare.lora.lora import Lora
from pipeline.runtime.providers import CPU
from tests.pipeline.prepare.lora.compare import distance, outputs, reference
from tests.pipeline.prepare.lora.loras import (
    ATTENTION,
    Tensors,
    in_diffusers,
    kohya,
    merge,
    modern_kohya,
    old_kohya,
    pair,
    plain_diffusers,
    refused,
    write,
)

pytest.importorskip("peft")


pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and peft warn of each other


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


def test_a_lora_of_another_width_is_refused(tiny: ModelFolder, tmp_path: Path) -> None:
    name = "lora_unet_" + ATTENTION.replace(".", "_") + "_to_q"
    path = write(tmp_path / "wide.safetensors", kohya({name: pair(4, 640, 640, 0)}))
    error = refused(tiny, tmp_path, path)
    assert error.key == "lora_unfit"
    assert (error.data["want"], error.data["have"]) == ("64 x 64", "640 x 640")


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
