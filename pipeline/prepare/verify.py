"""Verifies a prepared model: the same prompt, steps and picture go through both models at a small
size.

The source's sessions map their weights from the files, so that the check needs little memory. Each
part gets the source's inputs, so that errors are measured rather than their consequences.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Unpack, cast

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

from pipeline.card import Sampler
from pipeline.engine import loop
from pipeline.engine.rows import Conditioning, Row
from pipeline.engine.samplers.make import make_sampler
from pipeline.engine.unet import SparingUNet, UNetSession
from pipeline.engine.vae.decoder import VaeDecoder, to_image
from pipeline.engine.vae.encoder import VaeEncoder
from pipeline.errors import EngineError, ModelError
from pipeline.model.folder import Component, ModelFolder
from pipeline.model.options import Variant
from pipeline.runtime.ports import Session
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.embeds import PromptEmbeds
from pipeline.text.text_encoder import PromptEncoder

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, npt.NDArray[Any]]

STEPS: Final = 3
_PIXELS: Final = 256
_GUIDANCE: Final = 7.0
_PROMPT: Final = "1girl, solo, smile, sky, masterpiece, best quality"
_NEGATIVE: Final = "lowres, bad hands"

BOUNDS: Final[Mapping[Variant, Mapping[str, float]]] = {
    "fp32": {"text": 1e-3, "unet": 1e-3, "vae": 1e-3},
    "fp16": {"text": 0.02, "unet": 0.02, "vae": 1e-3},
    "bf16": {"text": 1e-3, "unet": 0.05, "vae": 0.05},
    "int8-bf16": {"text": 1e-3, "unet": 0.12, "vae": 0.05},
    "int8": {"text": 0.1, "unet": 0.12, "vae": 1e-3},
}
"""The largest error that passes, relative. A wrong conversion is off by 1 and more."""


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of the UNet: its inputs and output."""

    inputs: loop.UNetInputs
    noise_pred: Floats


@dataclass(frozen=True, slots=True)
class _Seen:
    """A model's results for the prompt, each step, latents and a picture. `shallow`: the last step
    as the shallow graph gives it; None without one."""

    embeds: PromptEmbeds
    runs: list[_Run]
    shallow: Floats | None
    pixels: Floats
    mean: Floats | None


class Verifier:
    """Compares a source with the prepared model.

    `factory` makes sessions for both. `instead`: the weights of the source that a LoRA changed.
    `progress` gets lines.
    """

    def __init__(
        self,
        source: ModelFolder,
        factory: SessionFactory,
        *,
        instead: Mapping[Component, Weights],
        progress: Callable[[str], None],
    ) -> None:
        self._source = source
        self._factory = factory
        self._instead = instead
        self._progress = progress

    def errors(self, made: ModelFolder, variant: Variant) -> dict[str, float]:
        """The relative error of each part (`text`, `unet`, `vae`).

        Raises ModelError `source_not_finite` if the source itself gives NaN, `prepare_check_failed`
        if an error exceeds its bound or is NaN.
        """
        self._progress("Checking it against the source, a few small steps ...")
        wanted = self._look(self._source, self._instead, None)
        got = self._look(made, {}, wanted)
        found = {
            "text": _largest(
                (
                    _error(got.embeds.prompt_embeds, wanted.embeds.prompt_embeds),
                    _error(got.embeds.pooled_prompt_embeds, wanted.embeds.pooled_prompt_embeds),
                )
            ),
            "unet": _largest(
                _error(ours.noise_pred, theirs.noise_pred)
                for ours, theirs in zip(got.runs, wanted.runs, strict=True)
            ),
            "vae": _error(got.pixels, wanted.pixels),
        }
        if got.shallow is not None:
            error = _error(got.shallow, wanted.runs[-1].noise_pred)
            found["unet"] = _largest((found["unet"], error))
        if got.mean is not None and wanted.mean is not None:
            found["vae"] = _largest((found["vae"], _error(got.mean, wanted.mean)))
        for part, error in found.items():
            bound = BOUNDS[variant][part]
            self._progress(f"  {part}: error {error:.2g} (at most {bound:g})")
            if not error <= bound:  # also for nan
                raise ModelError(
                    "prepare_check_failed",
                    variant=variant,
                    part=part,
                    error=f"{error:.2g}",
                    bound=f"{bound:g}",
                )
        return found

    def _look(
        self, folder: ModelFolder, instead: Mapping[Component, Weights], told: _Seen | None
    ) -> _Seen:
        """Run `folder`; with `told`, every part on the inputs that the source had there."""
        prompts = PromptEncoder(folder, self._factory, keep_sessions=False, instead=instead)
        embeds = prompts.encode(_PROMPT, _NEGATIVE)
        runs, shallow = self._steps(folder, instead, told, embeds)
        if told is None:
            self._check_finite("text", [embeds.prompt_embeds, embeds.pooled_prompt_embeds])
            self._check_finite("unet", [run.noise_pred for run in runs])
        latents = (runs if told is None else told.runs)[-1].inputs["sample"][:1]
        pixels = VaeDecoder(folder, self._factory.open(folder, "vae_decoder")).decode(latents)
        if told is None:
            self._check_finite("vae", [pixels])
        mean = None
        if folder.has("vae_encoder"):
            picture = to_image(pixels if told is None else told.pixels)
            mean = self._encode(folder, picture)
            if told is None:
                self._check_finite("vae", [mean])
        return _Seen(embeds, runs, shallow, pixels, mean)

    def _encode(self, folder: ModelFolder, picture: Image) -> Floats:
        """The latents of `picture`; one NaN if the encoder fails numerically."""
        try:
            return VaeEncoder.open(folder, self._factory).encode(picture)
        except EngineError as error:
            if error.key != "picture_not_finite":
                raise
            return np.full(1, np.nan, np.float32)

    def _check_finite(self, part: str, made: Iterable[Floats]) -> None:
        """Check that the source's results are finite; otherwise no variant is at fault."""
        if all(np.isfinite(array).all() for array in made):
            return
        if self._instead:
            raise ModelError("merged_not_finite", part=part)
        raise ModelError("source_not_finite", part=part)

    def _steps(
        self,
        folder: ModelFolder,
        instead: Mapping[Component, Weights],
        told: _Seen | None,
        embeds: PromptEmbeds,
    ) -> tuple[list[_Run], Floats | None]:
        """The runs of the UNet, and the last one with the shallow graph, given its own features."""
        if told is not None and "unet" in folder.in_openvino:
            return self._steps_in_parts(folder, told)
        weights = instead.get("unet", {})
        session: Session = (
            self._factory.open_with(folder, "unet", weights)
            if weights
            else self._factory.open(folder, "unet")
        )
        part = None if folder.shallow_file is None else self._factory.open_shallow(folder)
        unet = SparingUNet(UNetSession(session, part), rows_at_once=1)
        recorder = _Recorder(unet)
        if told is not None:
            for run in told.runs:
                recorder.predict(**run.inputs)
        else:
            row = _row(folder, embeds)
            while not row.done:
                loop.step(recorder, [row])
        if told is None or not unet.can_reuse:
            return recorder.runs, None
        _, deep = unet.predict_deep(**told.runs[-1].inputs)
        return recorder.runs, unet.predict_shallow(deep, **told.runs[-1].inputs)

    def _steps_in_parts(self, folder: ModelFolder, told: _Seen) -> tuple[list[_Run], Floats | None]:
        """The same in OpenVINO, which copies the weights it runs: with some of them at a time, and
        all rows in one run."""
        unet = UNetSession(*self._factory.open_in_parts(folder))
        given = [run.inputs for run in told.runs]
        joined = _joined(given)
        if not unet.can_reuse:
            return _divided(unet.predict(**joined), given), None
        noise_pred, deep = unet.predict_deep(**joined)
        last = len(given[-1]["sample"])
        return _divided(noise_pred, given), unet.predict_shallow(deep[-last:], **given[-1])


def _joined(given: Sequence[loop.UNetInputs]) -> loop.UNetInputs:
    """The rows of all runs in one."""
    names = ("sample", "timesteps", "prompt_embeds", "pooled", "time_ids")
    return cast(
        "loop.UNetInputs", {name: np.concatenate([each[name] for each in given]) for name in names}
    )


def _divided(noise_pred: Floats, given: Sequence[loop.UNetInputs]) -> list[_Run]:
    """The runs again of which `noise_pred` has all rows."""
    ends = np.cumsum([len(each["sample"]) for each in given])[:-1]
    return [
        _Run(inputs, part) for inputs, part in zip(given, np.split(noise_pred, ends), strict=True)
    ]


class _Recorder:
    """A UNet that records its inputs and outputs. Its rows reuse nothing."""

    def __init__(self, unet: loop.UNet) -> None:
        self._unet = unet
        self.runs: list[_Run] = []

    def predict(self, **inputs: Unpack[loop.UNetInputs]) -> Floats:
        """See `UNetSession.predict`."""
        noise_pred = self._unet.predict(**inputs)
        self.runs.append(_Run(inputs, noise_pred))
        return noise_pred

    def predict_deep(self, **inputs: Unpack[loop.UNetInputs]) -> tuple[Floats, Floats]:
        """See `UNetSession.predict_deep`."""
        return self._unet.predict_deep(**inputs)

    def predict_shallow(self, deep: Floats, **inputs: Unpack[loop.UNetInputs]) -> Floats:
        """See `UNetSession.predict_shallow`."""
        return self._unet.predict_shallow(deep, **inputs)


def _row(folder: ModelFolder, embeds: PromptEmbeds) -> Row:
    side = -(-_PIXELS // folder.size_multiple) * folder.size_multiple
    return Row.begin(
        sampler=make_sampler(Sampler.EULER, folder.scheduler, STEPS),
        seed=0,
        guidance_scale=_GUIDANCE,
        conditioning=[Conditioning.of(embeds, width=side, height=side, guided=True)],
        latent_channels=folder.latent_channels,
        latent_height=side // folder.vae_scale_factor,
        latent_width=side // folder.vae_scale_factor,
    )


def _error(got: Floats, wanted: Floats) -> float:
    """Root mean square of the difference, relative to that of the expected values, or NaN."""
    wide = wanted.astype(np.float64)
    size = float(np.sqrt(np.square(wide).mean()))
    difference = float(np.sqrt(np.square(got.astype(np.float64) - wide).mean()))
    return difference / size if size else difference


def _largest(errors: Iterable[float]) -> float:
    """The largest, or nan if there is one among them (`max` would lose it)."""
    return float(np.max(list(errors)))
