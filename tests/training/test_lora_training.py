"""How the demo's LoRAs are trained: tiny runs of the real thing, and the styles themselves."""

import json
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from data.shipped.paths import DEMO_LORAS, DEMO_MODEL
from pipeline.prepare.lora.file import LoraFile

LAYERS = 4 * 12 + 8  # twelve in each transformer, one in each ResNet block

needs_skia = pytest.mark.skipif(
    find_spec("skia") is None, reason="skia-python is not installed (pip install -e '.[train]')"
)


@needs_skia
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_training_learns_writes_a_file_and_resumes(tmp_path: Path) -> None:
    import torch

    load_file: Any = import_module("safetensors.numpy").load_file

    from training.demo.check_lora import model_with
    from training.demo.exported import exported_weights
    from training.demo.machine import Machine
    from training.demo.state import State
    from training.demo.train_lora import train_lora

    def train(samples: int, minutes: float = 5) -> bool:
        return train_lora(
            State(tmp_path),
            Machine(torch.device("cpu"), bf16=False),
            name="ink",
            model=DEMO_MODEL,
            out=out,
            samples=samples,
            minutes=minutes,
            batch_size=2,
        )

    out = tmp_path / "ink.safetensors"
    assert train(4)
    first = out.read_bytes()
    assert train(4), "nothing left to do"
    assert out.read_bytes() == first, "the same LoRA makes the same file"
    assert not train(8, minutes=0), "no time: not finished"
    assert train(8)
    assert torch.load(State(tmp_path).lora("ink"))["seen"] == 8

    file = LoraFile(out)
    tensors: Any = load_file(out)
    assert len(tensors) == 3 * LAYERS, "the format's own library reads it"
    assert len(file.entries) == LAYERS
    ups = [file.read(entry.keys["up"]) for entry in file.entries.values()]
    assert any(np.abs(up).max() > 0 for up in ups), "they begin as zeros"
    assert json.loads(file.metadata["ss_tag_frequency"])["ink"]["spot color"] == 8

    layer = "mid_block.attentions.0.proj_in"
    down, up = (tensors[f"lora_unet_{layer.replace('.', '_')}.lora_{side}.weight"].astype(float)
                for side in ("down", "up"))  # fmt: skip
    before = exported_weights(DEMO_MODEL / "unet" / "model.onnx")[f"{layer}.weight"]
    with model_with(DEMO_MODEL, out, 0.5) as merged:
        after = exported_weights(merged / "unet" / "model.onnx")[f"{layer}.weight"]
    assert (after - before).numpy() == pytest.approx(0.5 * up @ down, abs=1e-3)
    assert not torch.equal(after, before)


@needs_skia
def test_a_style_changes_the_figure_and_the_place_and_keeps_colours_apart() -> None:
    import random

    from training.demo.drawing import render
    from training.demo.look import CLOTHES, EYES, HAIR, sample_look
    from training.demo.measure import lab
    from training.demo.styles import STYLES

    look = sample_look(random.Random(3), placards=False)
    plain = render(look, width=1024, height=1024, scale=1 / 8).astype(int)
    for style in STYLES.values():
        styled = render(look, width=1024, height=1024, scale=1 / 8, style=style)
        changed = np.abs(styled - plain).max(-1) > 20
        assert changed.mean() > 0.3
        for colours in (HAIR, EYES, CLOTHES):
            made = [lab(np.array(style.figure.fill(colour))) for colour in colours.values()]
            pairs = [
                float(np.linalg.norm(one - other))
                for index, one in enumerate(made)
                for other in made[:index]
            ]
            assert min(pairs) > 12


def test_the_encoder_comes_back_out_of_the_exported_model() -> None:
    onnxruntime: Any = import_module("onnxruntime")

    from training.demo.exported import exported_encoder
    from training.demo.latents import CHANNELS, shrunk

    picture = np.random.default_rng(0).integers(0, 256, (128, 192, 3), dtype=np.uint8)
    encoder = exported_encoder(DEMO_MODEL)
    session: Any = onnxruntime.InferenceSession(DEMO_MODEL / "vae_encoder" / "model.onnx")
    pixels = (picture.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)[None]
    theirs: Any = session.run(None, {session.get_inputs()[0].name: pixels})[0][0, :CHANNELS]
    assert encoder.latents(shrunk(picture, 8)) == pytest.approx(theirs, abs=0.05)
    assert encoder.decode @ encoder.encode == pytest.approx(np.eye(CHANNELS), abs=1e-5)


@needs_skia
def test_the_numbers_of_a_style_tell_its_drawings_from_others() -> None:
    import random

    from training.demo.check_lora import NUMBERS, distance, histogram
    from training.demo.drawing import render
    from training.demo.look import sample_look
    from training.demo.styles import STYLES

    rng = random.Random(5)
    looks = [sample_look(rng, placards=False) for _ in range(20)]
    drawn = {
        name: [render(look, width=1024, height=1024, scale=1 / 8, style=style) for look in looks]
        for name, style in (*STYLES.items(), ("plain", None))
    }
    means = {
        name: [float(np.mean([number(small) for small in pictures])) for number in NUMBERS.values()]
        for name, pictures in drawn.items()
    }
    (ink, pastel, plain) = (means[name] for name in ("ink", "pastel", "plain"))
    assert ink[0] > plain[0] + 0.3, "colourless"
    assert pastel[1] < plain[1] * 0.75, "chroma"
    assert pastel[2] > plain[2] + 8, "lightness"
    assert distance(histogram(drawn["ink"][:10]), histogram(drawn["ink"][10:])) < 0.4
    assert distance(histogram(drawn["ink"]), histogram(drawn["plain"])) > 0.5
    assert distance(histogram(drawn["pastel"]), histogram(drawn["plain"])) > 0.5


@needs_skia
def test_training_can_begin_with_a_file_that_is_there() -> None:
    import torch

    from training.demo import train_lora
    from training.demo.lora_file import read_lora
    from training.demo.lora_learner import new_learner, pairs_of
    from training.demo.machine import Machine

    machine = Machine(torch.device("cpu"), bf16=False)
    learner = new_learner(
        machine, DEMO_MODEL, layers=train_lora.LAYERS, rank=train_lora.RANK, rate=0.1, seed=1
    )
    given = read_lora(DEMO_LORAS / "ink.safetensors")
    learner.begin_with(given)
    begun = pairs_of(learner.matrices)
    assert len(begun) == len(given) == LAYERS
    for module, pair in begun.items():
        for ours, theirs in zip(pair, given[module.replace(".", "_")], strict=True):
            assert torch.equal(ours, theirs)
