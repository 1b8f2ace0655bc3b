"""One step of the UNet for rows that may belong to different people."""

from collections.abc import Iterable, Sequence
from typing import NotRequired, Protocol, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.rows import Row
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


def step(unet: UNet, rows: Sequence[Row]) -> None:
    """Advance each of `rows` by one step in a single run.

    The rows have the same shape and LoRAs and none is done (ValueError otherwise); they may be at
    different steps, of different samplers, with and without guidance.
    """
    if len({(row.shape, row.loras) for row in rows}) != 1 or any(row.done for row in rows):
        raise ValueError("rows of one run need the same shape, the same LoRAs and a step to do")
    inputs = UNetInputs(
        sample=_join(
            [row.sampler.scale_model_input(row.latents, row.step_index)] * row.copies
            for row in rows
        ),
        timesteps=np.concatenate(
            [np.repeat(row.sampler.timesteps[row.step_index], row.copies) for row in rows]
        ),
        prompt_embeds=_join([row.conditioning.prompt_embeds] for row in rows),
        pooled=_join([row.conditioning.pooled] for row in rows),
        time_ids=_join([row.conditioning.time_ids] for row in rows),
    )
    if rows[0].adapter:
        inputs["adapter"] = rows[0].adapter
    noise_pred = unet.predict(**inputs)
    first = 0
    for row in rows:
        row.advance(noise_pred[first : first + row.copies])
        first += row.copies


def _join(parts: Iterable[list[Floats]]) -> Floats:
    arrays = [array for part in parts for array in part]
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
