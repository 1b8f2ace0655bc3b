"""Previews and decoding: a colour map fitted to a VAE, diffusers' rounding."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine.vae.decoder import VaeDecoder, to_image
from pipeline.engine.vae.preview import MAX_SIDE, Previewer, PreviewMap
from pipeline.model.folder import ModelFolder
from pipeline.runtime.ports import Array
from pipeline.runtime.sessions import SessionFactory


class LinearVae:
    """A decoder whose picture is an exact linear map of latents, too pale to be cut at -1 or 1."""

    def __init__(self, channels: int, factor: int) -> None:
        self.factor = factor
        self.colours = np.random.default_rng(5).normal(0, 0.003, (channels, 3)).astype(np.float32)
        self.runs = 0
        self.inputs: Mapping[str, Any] = {}
        self.outputs: Mapping[str, Any] = {}
        self.branch: Mapping[str, Any] = {}
        self.provider = "CPUExecutionProvider"

    def place(self, matrices: Mapping[str, Array]) -> Any:
        raise AssertionError("it has no branch")

    def run(
        self,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] | None = None,
        adapter: Any = None,
    ) -> dict[str, Array]:
        self.runs += 1
        small = np.einsum("bchw,cd->bdhw", inputs["latent_sample"], self.colours)
        return {"sample": small.repeat(self.factor, 2).repeat(self.factor, 3)}


@pytest.mark.parametrize(("channels", "factor", "patch"), [(4, 8, 1), (16, 64, 8)])
def test_the_fit_finds_a_linear_vae(
    tiny: ModelFolder, channels: int, factor: int, patch: int
) -> None:
    vae = LinearVae(channels, factor)
    fitted = PreviewMap.fit(
        VaeDecoder(tiny, vae), latent_channels=channels, vae_scale_factor=factor
    )
    assert fitted.patch == patch
    truth = np.repeat(vae.colours / np.float32(tiny.scaling_factor), patch * patch, axis=1)
    np.testing.assert_allclose(fitted.weights[:-1], truth, atol=0.002)
    np.testing.assert_allclose(fitted.weights[-1], 0, atol=0.002)


def test_a_preview_has_the_pictures_form_and_is_at_most_512_long(tiny: ModelFolder) -> None:
    vae = LinearVae(4, 8)
    fitted = PreviewMap.fit(VaeDecoder(tiny, vae), latent_channels=4, vae_scale_factor=8)
    large = fitted.picture(np.zeros((1, 4, 152, 104), np.float32))
    assert (large.width, large.height) == (350, MAX_SIDE)
    small = fitted.picture(np.zeros((1, 4, 12, 8), np.float32))
    assert (small.width, small.height) == (64, 96)


def test_the_map_is_kept_beside_the_model_and_belongs_to_it(
    tiny: ModelFolder, tmp_path: Path
) -> None:
    vae = LinearVae(4, 8)
    latents = np.ones((1, 4, 8, 8), np.float32)

    def previewer(model_hash: str) -> Previewer:
        return Previewer(
            VaeDecoder(tiny, vae),
            latent_channels=4,
            vae_scale_factor=8,
            path=tmp_path / "map.json",
            model_hash=model_hash,
        )

    first = previewer("aaaa").picture(latents)
    runs = vae.runs
    again = previewer("aaaa").picture(latents)
    assert first is not None
    assert again is not None
    assert again.tobytes() == first.tobytes()
    assert vae.runs == runs
    previewer("bbbb").picture(latents)
    assert vae.runs > runs


def test_a_damaged_file_and_a_missing_folder_do_no_harm(tiny: ModelFolder, tmp_path: Path) -> None:
    for path in (tmp_path / "map.json", tmp_path / "missing" / "map.json"):
        if path.parent.is_dir():
            path.write_text('{"version": 1, "model": "aaaa"')
        shown = Previewer(
            VaeDecoder(tiny, LinearVae(4, 8)),
            latent_channels=4,
            vae_scale_factor=8,
            path=path,
            model_hash="aaaa",
        ).picture(np.zeros((1, 4, 8, 8), np.float32))
        assert shown is not None


def test_no_preview_of_what_are_no_numbers(tiny: ModelFolder, tmp_path: Path) -> None:
    previewer = Previewer(
        VaeDecoder(tiny, LinearVae(4, 8)),
        latent_channels=4,
        vae_scale_factor=8,
        path=tmp_path / "map.json",
        model_hash="aaaa",
    )
    assert previewer.picture(np.full((1, 4, 8, 8), np.nan, np.float32)) is None


def test_pixels_are_rounded_as_diffusers_rounds() -> None:
    """(x / 2 + 0.5) cut to 0..1, times 255, halves to even."""
    values = np.array([-3, -1, -0.5, 0, 0.5, 1, 3, 2 * 100.4 / 255 - 1], np.float32)
    pixels = np.broadcast_to(values, (1, 3, 1, len(values)))
    assert np.asarray(to_image(pixels))[0, :, 0].tolist() == [0, 0, 64, 128, 191, 255, 255, 100]


def test_a_real_decoder_gives_a_picture_of_the_right_size(
    tiny_v: ModelFolder, cpu: SessionFactory
) -> None:
    decoder = VaeDecoder(tiny_v, cpu.open(tiny_v, "vae_decoder"))
    picture = decoder.picture(np.zeros((1, tiny_v.latent_channels, 4, 6), np.float32))
    factor = tiny_v.vae_scale_factor
    assert (picture.mode, picture.width, picture.height) == ("RGB", 6 * factor, 4 * factor)
