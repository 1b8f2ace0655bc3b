"""One step of the UNet for rows that may belong to different people."""

from collections.abc import Iterable, Sequence
from typing import NotRequired, Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.rows import Conditioning, Joined, Row
from pipeline.runtime.ports import Adapter

Floats = NDArray[np.float32]


class UNetInputs(TypedDict):
    """sample (rows, latent_channels, height, width) in latent pixels, timesteps (rows,),
    prompt_embeds (rows, tokens, width), pooled (rows, width), time_ids (rows, 6).

    `adapter`: the LoRAs of all rows, as the UNet's session placed them.
    """

    sample: Floats
    timesteps: Floats
    prompt_embeds: Floats
    pooled: Floats
    time_ids: Floats
    adapter: NotRequired[Adapter]


class UNet(Protocol):
    """The interface that the loop needs: `pipeline.engine.unet.UNetSession`."""

    def predict(self, **inputs: Unpack[UNetInputs]) -> Floats:
        """The prediction for each row, shaped like `sample`."""
        ...

    def predict_deep(self, **inputs: Unpack[UNetInputs]) -> tuple[Floats, Floats]:
        """The same, and each row's deep features, (rows, channels, height, width)."""
        ...

    def predict_shallow(self, deep: Floats, **inputs: Unpack[UNetInputs]) -> Floats:
        """The prediction for each row, given its deep features."""
        ...


def step(unet: UNet, rows: Sequence[Row]) -> None:
    """Advance each of `rows` by one step in a single run, or in two where some reuse features.

    The rows have the same shape and LoRAs and none is done (ValueError otherwise); they may be at
    different steps, of different samplers, with and without guidance.
    """
    if len({row.run_key for row in rows}) != 1 or any(row.done for row in rows):
        raise ValueError("rows of one run need the same shape, the same LoRAs and a step to do")
    whole, shallow = ([row for row in rows if row.reuses is each] for each in (False, True))
    if whole:
        _run(unet, whole, reuses=False)
    if shallow:
        _run(unet, shallow, reuses=True)


def _run(unet: UNet, rows: Sequence[Row], *, reuses: bool) -> None:
    joined = _conditioning_of(rows)
    inputs = UNetInputs(
        sample=_join(
            [row.sampler.scale_model_input(row.latents, row.step_index)] * row.copies
            for row in rows
        ),
        timesteps=np.concatenate(
            [np.repeat(row.sampler.timesteps[row.step_index], row.copies) for row in rows]
        ),
        prompt_embeds=joined.prompt_embeds,
        pooled=joined.pooled,
        time_ids=joined.time_ids,
    )
    if rows[0].adapter:
        inputs["adapter"] = rows[0].adapter
    kept: Floats | None = None
    if reuses:
        noise_pred = unet.predict_shallow(_join([row.deep_features] for row in rows), **inputs)
    elif any(row.keeps for row in rows):
        noise_pred, kept = unet.predict_deep(**inputs)
    else:
        noise_pred = unet.predict(**inputs)
    first = 0
    for row in rows:
        own = slice(first, first + row.copies)
        first = own.stop
        keeps, drawn_with = row.keeps, row.conditioning
        row.advance(noise_pred[own])
        if not reuses:
            row.keep(kept[own] if kept is not None and keeps else None, drawn_with)


def _conditioning_of(rows: Sequence[Row]) -> Conditioning:
    """That of all rows, in order: the same object as long as they are the same, so that it need be
    placed on the device only once."""
    parts = [(row.conditioning, row.copies) for row in rows]
    known = rows[0].joined
    if known is not None and len(known.parts) == len(parts):
        same = zip(known.parts, parts, strict=True)
        if all(one[0] is other[0] and one[1] == other[1] for one, other in same):
            return known.conditioning
    made = Conditioning(
        prompt_embeds=_join([part.prompt_embeds[-copies:]] for part, copies in parts),
        pooled=_join([part.pooled[-copies:]] for part, copies in parts),
        time_ids=_join([part.time_ids[-copies:]] for part, copies in parts),
    )
    rows[0].joined = Joined(parts, made)
    return made


def _join(parts: Iterable[list[Floats]]) -> Floats:
    arrays = [array for part in parts for array in part]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
