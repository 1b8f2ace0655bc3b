"""The UNet behind one call, whatever form its `timestep` input has.

Exports of early 2024: int64 with axis `steps`, one value a row or one for all. Exports of today: a
float scalar, so that all rows of a run share their timestep. The latter's graph is changed on
loading (one node), its weights are not touched; then rows at different timesteps share a run.
"""

import numpy as np
import numpy.typing as npt

from pipeline.model.folder import ModelFolder
from pipeline.model.ports import Array, Session
from pipeline.model.providers import CPU
from pipeline.model.sessions import OrtSession, SessionFactory
from pipeline.model.timestep_axis import with_timestep_axis

FloatArray = npt.NDArray[np.float32]


class UNetSession:
    """`predict` over a session. `session` may be shared with optimum only if it is unpatched."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._scalar = len(session.inputs["timestep"].shape) == 0
        self._output = next(iter(session.outputs))

    @property
    def provider(self) -> str:
        return self.session.provider

    @property
    def truncates_timesteps(self) -> bool:
        """Whether fractional timesteps lose their fraction (int64 input, as optimum casts)."""
        return self.session.inputs["timestep"].dtype.kind == "i"

    def predict(
        self,
        *,
        sample: FloatArray,
        timesteps: FloatArray,
        prompt_embeds: FloatArray,
        pooled: FloatArray,
        time_ids: FloatArray,
    ) -> FloatArray:
        """`noise_pred`, like `sample`: (rows, latent_channels, height, width), latent pixels.

        timesteps (rows,), prompt_embeds (rows, tokens, width), pooled (rows, width),
        time_ids (rows, 6). Raises EngineError as `Session.run` does.
        """
        inputs: dict[str, Array] = {
            "sample": sample,
            "timestep": timesteps,
            "encoder_hidden_states": prompt_embeds,
            "text_embeds": pooled,
            "time_ids": time_ids,
        }
        if not self._scalar:
            return self._run(inputs)
        noise_pred = np.empty_like(sample, dtype=np.float32)
        for timestep in np.unique(timesteps):
            rows = timesteps == timestep
            part = {name: value[rows] for name, value in inputs.items()}
            noise_pred[rows] = self._run({**part, "timestep": np.asarray(timestep)})
        return noise_pred

    def _run(self, inputs: dict[str, Array]) -> FloatArray:
        return self.session.run(inputs, [self._output])[self._output].astype(np.float32, copy=False)


class FrugalUNet:
    """The same for pictures larger than usual: row after row, memory given back after each run.

    On a CPU a pair of rows in two runs costs the time of one run and gives the same numbers, with
    half the activations; and what a large picture took must not be missing for the next decoder.
    `shrink=False` keeps the memory: for models whose rows must not see each other at any size.
    """

    def __init__(self, unet: UNetSession, *, shrink: bool = True) -> None:
        session = unet.session
        if shrink and isinstance(session, OrtSession):
            session = OrtSession(session.raw, shrink=True)
        self._unet = UNetSession(session)

    def predict(
        self,
        *,
        sample: FloatArray,
        timesteps: FloatArray,
        prompt_embeds: FloatArray,
        pooled: FloatArray,
        time_ids: FloatArray,
    ) -> FloatArray:
        """See `UNetSession.predict`."""
        parts = [
            self._unet.predict(
                sample=sample[row : row + 1],
                timesteps=timesteps[row : row + 1],
                prompt_embeds=prompt_embeds[row : row + 1],
                pooled=pooled[row : row + 1],
                time_ids=time_ids[row : row + 1],
            )
            for row in range(len(sample))
        ]
        return np.concatenate(parts)


def open_unet(
    factory: SessionFactory, folder: ModelFolder, *, rows_differ: bool | None = None
) -> UNetSession:
    """Load the UNet of `folder`.

    `rows_differ`: rows of one run will have different timesteps, so a scalar timestep is given an
    axis where that can be done. None: not on the CPU, where a picture runs alone; rewriting a graph
    that holds its weights keeps the interpreter busy for as long as copying them takes.
    """
    path = folder.onnx_file("unet")
    if rows_differ is None:
        rows_differ = factory.provider != CPU
    graph = with_timestep_axis(path) if rows_differ else None
    session = (
        factory.open(folder, "unet")
        if graph is None
        else factory.open_graph(graph, path.parent, "unet")
    )
    return UNetSession(session)
