"""Pictures to begin from: what the engine takes, refuses, remembers and repeats."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.engine.own import OwnEngine
from pipeline.engine.vae.encoder import VaeEncoder
from pipeline.errors import Cancelled, EngineError
from pipeline.model.folder import ModelFolder
from pipeline.onnx.encoder_mean import with_mean_output
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.own_model import make_request, open_own
from tests.support.fake_engine import FakeEngine

Preview = Callable[[], Image.Image | None]


class Watch:
    def __init__(self, cancel_after: int | None = None) -> None:
        self.steps: list[tuple[int, int]] = []
        self.cancel_after = cancel_after

    def is_cancelled(self) -> bool:
        return self.cancel_after is not None and len(self.steps) >= self.cancel_after

    def on_step(self, step: int, steps: int, preview: Preview) -> None:
        preview()
        self.steps.append((step, steps))


def picture(level: int = 90, *, width: int = 64, height: int = 96) -> Image.Image:
    ramp = np.linspace(0, level, width * height * 3).reshape(height, width, 3)
    return Image.fromarray(ramp.astype(np.uint8))


@pytest.fixture(scope="module")
def engine(tiny_path: Path) -> OwnEngine:
    return open_own(tiny_path, clip_sample=False)


@pytest.fixture(scope="module")
def encoder(tiny: ModelFolder, cpu: SessionFactory) -> VaeEncoder:
    return VaeEncoder.open(tiny, cpu)


def test_the_same_request_and_picture_give_the_same_again(engine: OwnEngine) -> None:
    request = make_request(init_picture="x", strength=0.5)
    first = engine.draw(request, 0, Watch(), init_image=picture()).image
    engine.draw(request, 0, Watch(), init_image=picture(255))
    engine.draw(make_request(), 0, Watch())
    again = engine.draw(request, 0, Watch(), init_image=picture()).image
    assert again.tobytes() == first.tobytes()
    other = engine.draw(request, 1, Watch(), init_image=picture()).image
    assert other.tobytes() != first.tobytes()
    another = engine.draw(request, 0, Watch(), init_image=picture(255)).image
    assert another.tobytes() != first.tobytes()


def test_exports_of_2024_follow_their_seed(tiny_2024_path: Path, tiny_path: Path) -> None:
    """Their encoder samples inside the graph; the same weights in both layouts agree."""
    request = make_request(init_picture="x", strength=0.5)
    pictures = [
        open_own(path, clip_sample=False).draw(request, 0, Watch(), init_image=picture()).image
        for path in (tiny_2024_path, tiny_2024_path, tiny_path)
    ]
    assert pictures[0].tobytes() == pictures[1].tobytes()
    difference = np.asarray(pictures[0], np.int16) - np.asarray(pictures[2], np.int16)
    assert np.abs(difference).max() <= 1


def test_the_graph_of_2024_is_cut_at_the_mean(
    tiny: ModelFolder, tiny_2024: ModelFolder, cpu: SessionFactory
) -> None:
    today = VaeEncoder.open(tiny, cpu).encode(picture())
    cut = VaeEncoder.open(tiny_2024, cpu).encode(picture())
    np.testing.assert_array_equal(cut, today)
    raw = cpu.open(tiny_2024, "vae_encoder")
    pixels = np.zeros((1, 3, 96, 64), np.float32)
    one, two = (raw.run({"sample": pixels})["latent_sample"] for _ in range(2))
    assert (one != two).any(), "the export of 2024 should draw random numbers, or this shows little"


def test_a_graph_without_noise_is_not_cut_blindly(tiny: ModelFolder) -> None:
    from pipeline.errors import ModelError

    with pytest.raises(ModelError) as caught:
        with_mean_output(tiny.onnx_file("vae_encoder"))
    assert caught.value.key == "model_unreadable"


def test_latents_are_what_diffusers_makes_of_the_picture(
    encoder: VaeEncoder, tiny: ModelFolder, cpu: SessionFactory
) -> None:
    from diffusers.image_processor import VaeImageProcessor

    pixels = VaeImageProcessor(vae_scale_factor=8).preprocess(picture()).numpy()
    parameters = cpu.open(tiny, "vae_encoder").run({"sample": pixels})["latent_parameters"]
    expected = parameters[:, :4] * np.float32(tiny.scaling_factor)
    np.testing.assert_array_equal(encoder.encode(picture()), expected)


def test_the_encoder_is_opened_with_the_first_picture_and_runs_once_a_picture(
    tiny_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    encoded: list[object] = []
    load, encode = SessionFactory.open, VaeEncoder.encode

    def open_(self: SessionFactory, folder: ModelFolder, component: str) -> object:
        opened.append(component)
        return load(self, folder, component)  # pyright: ignore[reportArgumentType]

    def encode_(self: VaeEncoder, image: Image.Image) -> object:
        encoded.append(image)
        return encode(self, image)

    monkeypatch.setattr(SessionFactory, "open", open_)
    monkeypatch.setattr(VaeEncoder, "encode", encode_)
    engine = open_own(tiny_path)
    engine.draw(make_request(), 0, Watch())
    assert "vae_encoder" not in opened
    before = len(opened)
    for index in range(3):
        request = make_request(init_picture="x", strength=0.5, count=3)
        engine.draw(request, index, Watch(), init_image=picture())
    assert opened[before:] == ["vae_encoder"], "nothing else is loaded for img2img"
    assert len(encoded) == 1, "the pictures of a job share their beginning"


@pytest.mark.parametrize(("strength", "steps"), [(0.05, 1), (0.5, 4), (0.99, 7), (1.0, 8)])
def test_strength_says_how_many_steps_are_done(
    engine: OwnEngine, strength: float, steps: int
) -> None:
    watch = Watch()
    request = make_request(init_picture="x", strength=strength, num_inference_steps=8)
    engine.draw(request, 0, watch, init_image=picture())
    assert watch.steps == [(step, steps) for step in range(1, steps + 1)]


def test_little_strength_stays_nearer_to_the_picture(engine: OwnEngine) -> None:
    """By latents, for untrained weights decode to nothing alike: more noise, farther away."""
    init = engine._init_pictures.latents(  # pyright: ignore[reportPrivateUsage]
        make_request(init_picture="x"), picture()
    )
    assert init is not None
    far = [
        np.abs(
            engine.begin(
                make_request(init_picture="x", strength=strength, num_inference_steps=20),
                0,
                init_image=picture(),
            ).latents
            - init.latents
        ).mean()
        for strength in (0.1, 0.3, 0.6, 1.0)
    ]
    assert far == sorted(far)
    assert far[0] < far[-1] / 5


@pytest.mark.parametrize("cancel_after", [0, 1, 2])
def test_a_cancel_stops_at_the_next_step(engine: OwnEngine, cancel_after: int) -> None:
    watch = Watch(cancel_after)
    with pytest.raises(Cancelled):
        engine.draw(make_request(init_picture="x", strength=0.5), 0, watch, init_image=picture())
    assert len(watch.steps) == cancel_after


@pytest.mark.parametrize("kind", ["own", "fake"])
def test_a_missing_picture_is_said(engine: OwnEngine, kind: str) -> None:
    drawing = engine if kind == "own" else FakeEngine()
    with pytest.raises(EngineError) as caught:
        drawing.draw(make_request(init_picture="x", strength=0.5), 0, Watch())
    assert caught.value.key == "init_image_missing"


def test_a_picture_that_was_not_asked_for_changes_nothing(engine: OwnEngine) -> None:
    plain = engine.draw(make_request(), 0, Watch()).image
    given = engine.draw(make_request(), 0, Watch(), init_image=picture()).image
    assert given.tobytes() == plain.tobytes()


def test_a_model_without_encoder_says_so_and_draws_on(tiny_path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny_path, folder)
    shutil.rmtree(folder / "vae_encoder")
    engine = open_own(folder)
    with pytest.raises(EngineError) as caught:
        engine.draw(make_request(init_picture="x"), 0, Watch(), init_image=picture())
    assert caught.value.key == "img2img_unavailable"
    assert engine.draw(make_request(), 0, Watch()).image.width == 64


def test_the_fake_mixes_the_pictures_colour_by_strength() -> None:
    fake, red = FakeEngine(), Image.new("RGB", (50, 20), (200, 0, 0))
    colours = [
        fake.draw(
            make_request(init_picture="x", strength=strength), 0, Watch(), init_image=red
        ).image.getpixel((0, 0))
        for strength in (0.0, 0.0, 0.5, 1.0)
    ]
    assert colours[0] == colours[1] == (200, 0, 0)
    assert colours[3] == fake.draw(make_request(), 0, Watch()).image.getpixel((0, 0))
    assert len(set(colours)) == 3


def test_the_fake_varies_by_the_variations_seed() -> None:
    fake = FakeEngine()
    varied = [
        fake.draw(make_request(variation_seed=seed, variation_strength=0.2), 0, Watch())
        for seed in (1, 1, 2)
    ]
    colours = [drawn.image.getpixel((0, 0)) for drawn in varied]
    assert colours[0] == colours[1] != colours[2]
    assert {drawn.seed for drawn in varied} == {42}
