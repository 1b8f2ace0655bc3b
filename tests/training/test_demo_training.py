# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to torch and onnxruntime, whose types are partly missing)
"""Stages that resume, the exported decoder, the tagger's contract: tiny runs of the real thing."""

import csv
import random
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

pytest.importorskip("skia", reason="skia-python is not installed (pip install -e '.[train]')")

from training.demo.checkpoint import save_checkpoint
from training.demo.decoder import TOP, Decoder, as_autoencoder
from training.demo.framing import PAIR_SIZES, SIZES, pair_weights
from training.demo.labels import labels_of
from training.demo.latents import CELL, CHANNELS
from training.demo.look import sample_look
from training.demo.machine import Machine
from training.demo.state import State
from training.demo.tagger import SIDE, TaggerNet, export_tagger
from training.demo.unet import condition, make_unet

PROCESSOR = Machine(torch.device("cpu"), bf16=False)


@pytest.fixture
def state(tmp_path: Path) -> State:
    """A folder with a few drawings of every size, made of noise."""
    kept = State(tmp_path)
    noise, rng = np.random.default_rng(0), random.Random(0)
    for pairs, sizes in ((False, SIZES), (True, PAIR_SIZES)):
        for width, height in sizes:
            path = kept.latents(width=width, height=height, shard=0, pairs=pairs)
            path.parent.mkdir(exist_ok=True)
            looks = [sample_look(rng, placards=False) for _ in range(8)]
            labels = np.array([labels_of(look, degraded=False) for look in looks], np.uint8)
            shape = (4, CHANNELS, height // CELL, width // CELL)
            latents = noise.standard_normal(shape).astype(np.float16)
            np.savez(
                path, latents=latents, labels=labels.reshape(4, 2, -1) if pairs else labels[:4]
            )
    return kept


def test_the_unet_resumes_where_it_stopped(state: State, monkeypatch: pytest.MonkeyPatch):
    from training.demo import train_unet as stage

    monkeypatch.setattr(stage, "BATCH", 2)
    assert stage.train_unet(state, PROCESSOR, samples=4, minutes=1)
    before: dict[str, Any] = torch.load(state.unet)
    assert before["seen"] == 4
    assert stage.train_unet(state, PROCESSOR, samples=6, minutes=1)
    after: dict[str, Any] = torch.load(state.unet)
    assert after["seen"] == 6
    assert not torch.equal(before["weights"], after["weights"])
    assert stage.train_unet(state, PROCESSOR, samples=6, minutes=1), "nothing left to do"
    assert not stage.train_unet(state, PROCESSOR, samples=8, minutes=0), "no time: not finished"
    assert stage.calibrate(state, PROCESSOR, samples=2, minutes=1)
    assert torch.load(state.calibrated)["seen"] == 2
    assert torch.load(state.unet)["seen"] == 6, "calibration leaves the plain model alone"


def test_only_the_figure_that_a_caption_is_about_counts():
    left, right = (pair_weights(1344, 768, of) for of in (0, 1))
    both = pair_weights(1344, 768, None)
    assert left[:, :10].min() > 0
    assert left[:, 11:].max() == 0
    assert np.array_equal(left, right[:, ::-1])
    assert (left + right)[:, :10] == pytest.approx(2 * both[:, :10])


def test_a_tagger_from_an_export_goes_on_without_statistics(tmp_path: Path):
    from training.demo.tagger import train_tagger

    state = State(tmp_path)
    torch.manual_seed(0)
    net = TaggerNet()
    save_checkpoint({"net": net.state_dict(), "optimiser": None, "seen": 0}, state.tagger)
    for samples in (32, 64):
        assert train_tagger(state, PROCESSOR, samples=samples, minutes=5)
    kept = torch.load(state.tagger)
    assert kept["seen"] == 64
    counts = [value for name, value in kept["net"].items() if "num_batches" in name]
    assert counts
    assert not any(counts)


def test_two_processes_meet_in_the_middle(tmp_path: Path):
    from training.demo.average import average

    first, second = State(tmp_path / "a"), State(tmp_path / "b")
    for state, value in ((first, 1.0), (second, 3.0)):
        momenta = [torch.full((2,), value), torch.tensor(3)]
        kept = {"weights": torch.full((3,), value), "optimiser": {"momenta": momenta}, "seen": 64}
        save_checkpoint(kept, state.unet)
    assert average(first, second) == ["unet.pt"]
    ours, theirs = torch.load(first.unet), torch.load(second.unet)
    for kept in (ours, theirs):
        assert kept["weights"].tolist() == [2, 2, 2]
        assert [each.tolist() for each in kept["optimiser"]["momenta"]] == [[2, 2], 3]
    assert ours["seen"] == 64
    assert theirs["seen"] != 64, "else both would see the same samples from now on"


def test_the_null_token_counts_for_all_that_it_stands_for():
    """One masked null token gives the attention that 77 - n zero tokens would."""
    torch.manual_seed(0)
    unet = make_unet().eval()
    latents, timestep = torch.randn(1, CHANNELS, 4, 4), torch.tensor([500])
    said = condition([["green hair", "smile"]], width=256, height=256)
    tokens = said["encoder_hidden_states"]
    full = torch.zeros(1, 77, tokens.shape[-1])
    full[:, : tokens.shape[1]] = tokens
    with torch.no_grad():
        short = unet(latents, timestep, **said).sample
        whole = unet(latents, timestep, full, added_cond_kwargs=said["added_cond_kwargs"]).sample
    assert short.numpy() == pytest.approx(whole.numpy(), abs=2e-4)


def test_diffusers_decodes_what_the_decoder_decodes():
    torch.manual_seed(0)
    decoder = Decoder().eval()
    latents = torch.randn(1, CHANNELS, 2, 1)
    with torch.no_grad():
        ours = decoder(latents)
        theirs = as_autoencoder(decoder).decode(latents).sample
    assert ours.shape == (1, 3, 2 * 2**TOP, 2**TOP)
    assert ours.numpy() == pytest.approx(theirs.numpy(), abs=1e-4)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_tagger_keeps_the_wd_contract(tmp_path: Path):
    state = State(tmp_path)
    torch.manual_seed(0)
    net = TaggerNet().eval()
    save_checkpoint({"net": net.state_dict()}, state.tagger)
    export_tagger(state, tmp_path / "tagger")

    with (tmp_path / "tagger" / "selected_tags.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = [row["name"] for row in rows]
    assert names[:4] == ["general", "sensitive", "questionable", "explicit"]
    assert [row["category"] for row in rows] == ["9"] * 4 + ["0"] * (len(rows) - 4)
    assert len(set(names)) == len(names)
    assert {"green_hair", "red_kimono", "one_eye_closed", "1girl", "night"} <= set(names)
    assert not any(" " in name for name in names)

    session = onnxruntime.InferenceSession(tmp_path / "tagger" / "model.onnx")
    taken = session.get_inputs()[0]
    assert taken.shape[1:] == [SIDE, SIDE, 3]
    picture = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 3)).astype(np.float32)
    found: Any = session.run(None, {taken.name: picture[..., ::-1]})[0]  # BGR
    assert found.shape == (2, len(names))
    assert found[:, :4].sum(1) == pytest.approx(np.ones(2), abs=1e-5)
    with torch.no_grad():
        rgb = torch.from_numpy(picture).permute(0, 3, 1, 2) / 127.5 - 1
        chances = net(rgb)["rating"].softmax(1).numpy()
    assert found[:, names.index("questionable")] == pytest.approx(chances[:, 1], abs=1e-4)
