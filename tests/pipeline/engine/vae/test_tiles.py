"""Tiles: every pixel once, no visible seams, and when they are used."""

import dataclasses
from collections.abc import Callable
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pipeline.engine.vae.decoder import VaeDecoder
from pipeline.engine.vae.encoder import VaeEncoder
from pipeline.engine.vae.pieces import VaeHalf
from pipeline.engine.vae.tiles import Box, Tiling, boxes, in_tiles
from pipeline.errors import Cancelled, EngineError
from pipeline.model.folder import Component, ModelFolder
from pipeline.plan.memory import vae_activation_bytes
from pipeline.runtime.ports import Session
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.own_model import make_request, open_own

Floats = NDArray[np.float32]
PLENTY = 1 << 40


def enlarging(latents: Floats, scale: int) -> Callable[[Box], Floats]:
    """A decoder without context: each latent pixel becomes a block of its value."""

    def run(box: Box) -> Floats:
        part = latents[:, :, box.top : box.top + box.height, box.left : box.left + box.width]
        return part.repeat(scale, axis=2).repeat(scale, axis=3)

    return run


@given(
    height=st.integers(1, 60),
    width=st.integers(1, 60),
    side=st.integers(1, 24),
    overlap=st.integers(0, 23),
    scale=st.sampled_from([1, 2, 8]),
)
def test_a_decoder_without_context_is_reproduced(
    height: int, width: int, side: int, overlap: int, scale: int
) -> None:
    assume(overlap < side)
    latents = np.random.default_rng(0).normal(size=(1, 3, height, width)).astype(np.float32)
    tiling = Tiling(side=side, overlap=overlap)
    result = in_tiles(enlarging(latents, scale), tiling, height=height, width=width, scale=scale)
    whole = latents.repeat(scale, axis=2).repeat(scale, axis=3)
    np.testing.assert_allclose(result, whole, atol=1e-5)


@given(
    height=st.integers(1, 200),
    width=st.integers(1, 200),
    side=st.integers(1, 64),
    overlap=st.integers(0, 63),
)
def test_tiles_cover_overlap_and_have_one_size(
    height: int, width: int, side: int, overlap: int
) -> None:
    assume(overlap < side)
    assume(height * width <= 64 * (side - overlap) ** 2)  # else thousands of tiles
    found = boxes(Tiling(side=side, overlap=overlap), height=height, width=width)
    assert len({(box.height, box.width) for box in found}) == 1
    covered = np.zeros((height, width), int)
    for box in found:
        assert 0 <= box.top <= height - box.height
        assert 0 <= box.left <= width - box.width
        covered[box.top : box.top + box.height, box.left : box.left + box.width] += 1
    assert covered.min() >= 1
    for starts, size in (
        (sorted({box.top for box in found}), found[0].height),
        (sorted({box.left for box in found}), found[0].width),
    ):
        for one, other in pairwise(starts):
            assert one + size - other >= overlap


def test_tiles_of_different_tone_leave_no_edge() -> None:
    """Each tile is lighter than its neighbour by 0.1: a hard seam would be a step of 0.1, the
    blended one is spread over the overlap's 128 pixels."""
    number = iter(range(100))
    tiling = Tiling(side=64, overlap=16)

    def run(box: Box) -> Floats:
        return np.full((1, 3, box.height * 8, box.width * 8), 0.1 * next(number), np.float32)

    row = in_tiles(run, tiling, height=64, width=160, scale=8)
    assert row.max() - row.min() > 0.15
    assert np.abs(np.diff(row, axis=3)).max() < 0.1 / 100
    assert np.abs(np.diff(row, axis=2)).max() == 0


def test_an_overlap_as_large_as_the_tile_is_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        Tiling(side=8, overlap=8)


def tiling_for(folder: ModelFolder, *, width: int, height: int, free_bytes: int) -> Tiling | None:
    """The tiles that are chosen on a processor; None for the whole picture."""
    chosen: list[Tiling | None] = []

    def run(tiling: Tiling | None = None) -> Floats:
        chosen.append(tiling)
        return np.zeros(0, np.float32)

    session: Any = SimpleNamespace(provider=CPU)
    half = VaeHalf(folder, session, free_bytes=lambda: free_bytes)
    half.in_pieces(run, run, width=width, height=height)
    return chosen[0]


class _Sdxl(ModelFolder):
    """A folder that says SDXL's size of the decoder."""

    def weight_bytes(self, component: Component) -> int:
        return 198_000_000


@pytest.fixture
def sdxl(tiny: ModelFolder) -> ModelFolder:
    return _Sdxl(**{each.name: getattr(tiny, each.name) for each in fields(tiny)})


def test_memory_decides(sdxl: ModelFolder) -> None:
    assert tiling_for(sdxl, width=832, height=1216, free_bytes=16 << 30) is None
    assert tiling_for(sdxl, width=1248, height=1824, free_bytes=64 << 30) is None
    short = tiling_for(sdxl, width=1248, height=1824, free_bytes=6 << 30)
    assert short == Tiling(side=64, overlap=16)
    least = tiling_for(sdxl, width=1248, height=1824, free_bytes=0)
    assert least == Tiling(side=32, overlap=8)
    assert vae_activation_bytes(sdxl, width=512, height=512) < 6 << 30


def test_a_large_factor_still_has_tiles_of_some_pixels(tiny: ModelFolder) -> None:
    demo = dataclasses.replace(tiny, vae_scale_factor=64)
    assert tiling_for(demo, width=1280, height=1856, free_bytes=0) == Tiling(side=4, overlap=1)


def latents_of(height: int, width: int) -> Floats:
    return np.random.default_rng(1).normal(size=(1, 4, height, width)).astype(np.float32)


def test_with_memory_the_picture_is_the_whole_one_to_the_bit(
    tiny: ModelFolder, cpu: SessionFactory
) -> None:
    session = cpu.open(tiny, "vae_decoder")
    raw = session.run({"latent_sample": latents_of(24, 16) / np.float32(tiny.scaling_factor)})
    decoder = VaeDecoder(tiny, session, free_bytes=lambda: PLENTY)
    np.testing.assert_array_equal(decoder.decode(latents_of(24, 16)), raw["sample"])
    whole = decoder.picture(latents_of(48, 40))
    assert (whole.width, whole.height) == (320, 384)
    tiled = VaeDecoder(tiny, session, free_bytes=lambda: 0).picture(latents_of(48, 40))
    assert (tiled.width, tiled.height) == (320, 384)
    assert tiled.tobytes() != whole.tobytes(), "short memory should use tiles here"


def test_one_tile_over_everything_is_the_whole_picture(
    tiny: ModelFolder, cpu: SessionFactory
) -> None:
    decoder = VaeDecoder(tiny, cpu.open(tiny, "vae_decoder"))
    latents = latents_of(20, 12)
    tiled = decoder.decode_in_tiles(latents, Tiling(side=64, overlap=16))
    np.testing.assert_allclose(tiled, decoder.decode(latents), atol=1e-6)


def test_seams_of_a_real_decoder_are_no_sharper_than_the_picture(
    demo_path: Path, cpu: SessionFactory
) -> None:
    """Trained weights: the step across the middle of each overlap against steps elsewhere."""
    folder = ModelFolder.open(demo_path)
    engine = open_own(demo_path)
    row = engine.begin(make_request(num_inference_steps=8, width=1024, height=1024), 0)
    while not row.done:
        engine.step([row])
    decoder = VaeDecoder(folder, cpu.open(folder, "vae_decoder"))
    tiled = decoder.decode_in_tiles(row.latents, Tiling(side=8, overlap=2))
    steps = np.abs(np.diff(tiled, axis=3)).mean(axis=(0, 1, 2))
    inside = slice(6 * 64, 10 * 64)  # the tiles from 0, 4 and 8 fade into each other here
    assert steps[inside].max() <= steps.max()
    assert np.median(steps[inside]) < 2 * np.median(steps)


class _Small:
    """A device that runs out above some size, as CUDA says it. `calls`: heights it was given."""

    def __init__(self, session: Session, limit: int) -> None:
        self._session, self._limit = session, limit
        self.inputs, self.outputs = session.inputs, session.outputs
        self.provider = "CUDAExecutionProvider"
        self.calls: list[int] = []

    def run(self, inputs: dict[str, Floats], outputs: list[str] | None = None) -> dict[str, Floats]:
        height = next(iter(inputs.values())).shape[2]
        self.calls.append(height)
        if height > self._limit:
            raise EngineError("out_of_memory")
        return self._session.run(inputs, outputs)


def test_a_device_that_runs_out_gets_tiles(tiny: ModelFolder, cpu: SessionFactory) -> None:
    device = _Small(cpu.open(tiny, "vae_decoder"), limit=64)
    decoder = VaeDecoder(tiny, device, free_bytes=lambda: 0)  # pyright: ignore[reportArgumentType]
    image = decoder.picture(latents_of(100, 20))
    assert (image.width, image.height) == (160, 800)
    assert device.calls == [100, 64, 64]
    hopeless = _Small(cpu.open(tiny, "vae_decoder"), limit=8)
    with pytest.raises(EngineError) as caught:
        VaeDecoder(tiny, hopeless).picture(latents_of(100, 20))  # pyright: ignore[reportArgumentType]
    assert caught.value.key == "out_of_memory"


def test_a_cancel_stops_between_tiles(tiny: ModelFolder, cpu: SessionFactory) -> None:
    device = _Small(cpu.open(tiny, "vae_decoder"), limit=1000)
    decoder = VaeDecoder(tiny, device)  # pyright: ignore[reportArgumentType]

    def stop() -> None:
        if len(device.calls) == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        decoder.decode_in_tiles(latents_of(64, 64), Tiling(side=16, overlap=4), between=stop)
    assert len(device.calls) == 2


def test_encoding_in_tiles_puts_each_tile_in_its_place(
    tiny: ModelFolder, cpu: SessionFactory
) -> None:
    ramp = np.linspace(0, 255, 640 * 448 * 3).reshape(448, 640, 3).astype(np.uint8)
    image = Image.fromarray(ramp)
    session = cpu.open(tiny, "vae_encoder")
    plenty = VaeEncoder(tiny, session, free_bytes=lambda: PLENTY)
    tiled = VaeEncoder(tiny, session, free_bytes=lambda: 0).encode(image)
    assert tiled.shape == plenty.encode(image).shape == (1, 4, 56, 80)
    first = plenty.encode(image.crop((0, 0, 256, 256)))
    np.testing.assert_allclose(tiled[:, :, :8, :8], first[:, :, :8, :8], atol=1e-5)
    last = plenty.encode(image.crop((640 - 256, 448 - 256, 640, 448)))
    np.testing.assert_allclose(tiled[:, :, -8:, -8:], last[:, :, -8:, -8:], atol=1e-5)


def test_an_encoder_without_context_gives_the_whole(demo_path: Path, cpu: SessionFactory) -> None:
    """The demo model encodes each 64x64 pixels by themselves."""
    folder = ModelFolder.open(demo_path)
    image = Image.effect_noise((832, 1216), 60).convert("RGB")
    session = cpu.open(folder, "vae_encoder")
    whole = VaeEncoder(folder, session, free_bytes=lambda: PLENTY).encode(image)
    tiled = VaeEncoder(folder, session, free_bytes=lambda: 0).encode(image)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
