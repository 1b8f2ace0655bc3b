"""The UNet as one call, whatever form its `timestep` input has.

Exports of early 2024: int64 with axis `steps`, one value per row or one for all. Current exports: a
float scalar, so that all rows of a run share their timestep. The latter's graph is changed on
loading (one node), without touching its weights, so that rows at different timesteps can share a
run.
"""

import logging
from typing import Unpack, cast

import numpy as np
import numpy.typing as npt

from pipeline.engine.loop import UNetInputs
from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder
from pipeline.onnx.timestep_axis import with_timestep_axis
from pipeline.runtime.openvino import OpenVinoSession
from pipeline.runtime.ports import Adapter, Array, Session
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import OrtSession, SessionFactory

_log = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]
Inputs = dict[str, FloatArray]


class UNetSession:
    """`predict` with a session. `session` may be shared with optimum only if it is unpatched."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._scalar = len(session.inputs["timestep"].shape) == 0
        self._output = next(iter(session.outputs))

    @property
    def provider(self) -> str:
        return self.session.provider

    def predict(self, **inputs: Unpack[UNetInputs]) -> FloatArray:
        """`noise_pred`, like `sample`. Raises EngineError as `Session.run` does."""
        sample, timesteps = inputs["sample"], inputs["timesteps"]
        feed: dict[str, Array] = {
            "sample": sample,
            "timestep": timesteps,
            "encoder_hidden_states": inputs["prompt_embeds"],
            "text_embeds": inputs["pooled"],
            "time_ids": inputs["time_ids"],
        }
        adapter = inputs.get("adapter")
        if not self._scalar:
            return self._run(feed, adapter)
        noise_pred = np.empty_like(sample, dtype=np.float32)
        for timestep in np.unique(timesteps):
            rows = timesteps == timestep
            part = {name: value[rows] for name, value in feed.items()}
            noise_pred[rows] = self._run({**part, "timestep": np.asarray(timestep)}, adapter)
        return noise_pred

    def _run(self, inputs: dict[str, Array], adapter: Adapter | None) -> FloatArray:
        made = self.session.run(inputs, [self._output], adapter)
        return made[self._output].astype(np.float32, copy=False)


class SparingUNet:
    """A UNet that runs at most `rows_at_once` rows (None: all), and permanently half as many
    whenever memory runs out: the rows are run again in smaller parts, and nothing is lost.

    On a CPU a pair of rows in two runs takes as long as one run and gives the same numbers, with
    half the activations. `shrink`: on a CPU, release memory after each run, so that the memory of a
    large picture is available to the next decoder; always done after memory ran out.
    """

    def __init__(
        self, unet: UNetSession, *, rows_at_once: int | None = None, shrink: bool = False
    ) -> None:
        self._plain = unet
        self._unet = _shrinking(unet) if shrink else unet
        self._most = rows_at_once

    @property
    def session(self) -> Session:
        """The session itself."""
        return self._plain.session

    @property
    def rows_at_once(self) -> int | None:
        """The current maximum of rows per run; None: all."""
        return self._most

    def giving_back(self) -> "SparingUNet":
        """The same for the last step of a picture: memory kept between steps is returned to the
        system, because the decoder needs more next."""
        return SparingUNet(self._plain, rows_at_once=self._most, shrink=True)

    def predict(self, **inputs: Unpack[UNetInputs]) -> FloatArray:
        """See `UNetSession.predict`."""
        adapter = inputs.pop("adapter", None)
        shared = {} if adapter is None else {"adapter": adapter}
        parts: list[FloatArray] = []
        done, count = 0, len(inputs["sample"])
        while done < count:
            rows = slice(done, min(count, done + (self._most or count)))
            some = {name: values[rows] for name, values in cast("Inputs", inputs).items()}
            try:
                part = self._unet.predict(**cast("UNetInputs", some | shared))
            except EngineError as error:
                self._spare(error, tried=rows.stop - rows.start)
            else:
                parts.append(part)
                done = rows.stop
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _spare(self, error: EngineError, *, tried: int) -> None:
        """Run fewer than `tried` rows at once; raises `error` if that can't help."""
        if error.key != "out_of_memory" or tried == 1:
            raise error
        self._most = tried // 2
        self._unet = _shrinking(self._plain)
        _log.warning("Memory ran out with %d rows at once: %d from now on", tried, self._most)


def _shrinking(unet: UNetSession) -> UNetSession:
    session = unet.session
    if isinstance(session, OpenVinoSession):
        return UNetSession(session.giving_back())
    if isinstance(session, OrtSession):
        return UNetSession(OrtSession(session.raw, shrink=True))
    return unet


def open_unet(
    factory: SessionFactory, folder: ModelFolder, *, rows_differ: bool | None = None
) -> UNetSession:
    """Load the UNet of `folder`.

    `rows_differ`: rows of one run will have different timesteps, so a scalar timestep gets an axis
    if possible. None: not on the CPU, where pictures run separately; rewriting a graph that
    contains its weights blocks the interpreter while they are copied.
    """
    if rows_differ is None:
        rows_differ = factory.provider != CPU
    graph = with_timestep_axis(folder.onnx_file("unet")) if rows_differ else None
    session = (
        factory.open(folder, "unet") if graph is None else factory.open_graph(graph, folder, "unet")
    )
    return UNetSession(session)
