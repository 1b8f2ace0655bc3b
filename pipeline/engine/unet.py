"""The UNet as one call, whatever form its `timestep` input has.

Exports of early 2024: int64 with axis `steps`, one value per row or one for all. Current exports: a
float scalar, so that all rows of a run share their timestep. The latter's graph is changed on
loading (one node), without touching its weights, so that rows at different timesteps can share a
run.
"""

import logging
from collections.abc import Callable
from typing import Final, Unpack, cast

import numpy as np
import numpy.typing as npt

from pipeline.engine.loop import UNetInputs
from pipeline.errors import EngineError
from pipeline.model.folder import ModelFolder
from pipeline.onnx.shallow import DEEP
from pipeline.onnx.timestep_axis import with_timestep_axis
from pipeline.runtime.bound import Bound
from pipeline.runtime.openvino import OpenVinoSession
from pipeline.runtime.ports import Adapter, Array, Session
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import OrtSession, SessionFactory

_log = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float32]
Inputs = dict[str, FloatArray]
_FIXED: Final = ("encoder_hidden_states", "text_embeds", "time_ids")
_Run = Callable[["UNetSession", UNetInputs, slice], tuple[FloatArray, ...]]


class UNetSession:
    """`predict` with a session, `predict_shallow` with that of the shallow graph, if there is one.
    `session` may be shared with optimum only if it is unpatched."""

    def __init__(self, session: Session, shallow: Session | None = None) -> None:
        self.session = session
        self.shallow = shallow
        self._whole = _Graph(session)
        self._part = None if shallow is None else _Graph(shallow)

    @property
    def provider(self) -> str:
        return self.session.provider

    @property
    def can_reuse(self) -> bool:
        """Whether steps can reuse deep features (`predict_deep`, `predict_shallow`)."""
        return self._part is not None

    def forget(self) -> None:
        """Free what was bound for the last run's rows."""
        for graph in (self._whole, self._part):
            if graph is not None:
                graph.forget()

    def predict(self, **inputs: Unpack[UNetInputs]) -> FloatArray:
        """`noise_pred`, like `sample`. Raises EngineError as `Session.run` does."""
        return self._whole.run(inputs, self._whole.usual)[0]

    def predict_deep(self, **inputs: Unpack[UNetInputs]) -> tuple[FloatArray, FloatArray]:
        """`noise_pred` and the deep features, (rows, channels, height, width), a part of the
        latents' size. Raises EngineError."""
        noise_pred, deep = self._whole.run(inputs, [*self._whole.usual, DEEP])
        return noise_pred, deep

    def predict_shallow(self, deep: FloatArray, **inputs: Unpack[UNetInputs]) -> FloatArray:
        """`noise_pred` given the deep features of each row. Raises EngineError, ValueError without
        a shallow graph."""
        if self._part is None:
            raise ValueError("this UNet has no shallow graph")
        return self._part.run(inputs, self._part.usual, deep)[0]


class _Graph:
    """A session of the UNet, whose `timestep` may be a scalar, and which may lack some inputs."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._scalar = len(session.inputs["timestep"].shape) == 0
        self._bound: tuple[Bound, tuple[object, ...]] | None = None
        self.usual: list[str] = [next(name for name in session.outputs if name != DEEP)]

    def run(
        self, inputs: UNetInputs, outputs: list[str], deep: FloatArray | None = None
    ) -> list[FloatArray]:
        """The `outputs` for all rows."""
        timesteps = inputs["timesteps"]
        feed: dict[str, Array] = {
            "sample": inputs["sample"],
            "timestep": timesteps,
            "encoder_hidden_states": inputs["prompt_embeds"],
            "text_embeds": inputs["pooled"],
            "time_ids": inputs["time_ids"],
        }
        if deep is not None:
            feed[DEEP] = deep
        feed = {name: value for name, value in feed.items() if name in self._session.inputs}
        if not self._scalar and isinstance(self._session, OrtSession):
            return self._run_bound(self._session, feed, outputs, inputs)
        adapter = self._adapter(inputs)
        if not self._scalar:
            return self._run(feed, outputs, adapter)
        found: list[FloatArray] = []
        for timestep in np.unique(timesteps):
            rows = timesteps == timestep
            part = {name: value[rows] for name, value in feed.items()}
            made = self._run({**part, "timestep": np.asarray(timestep)}, outputs, adapter)
            if not found:
                found = [np.empty((len(rows), *each.shape[1:]), np.float32) for each in made]
            for whole, each in zip(found, made, strict=True):
                whole[rows] = each
        return found

    def forget(self) -> None:
        """See `UNetSession.forget`."""
        self._bound = None

    def _adapter(self, inputs: UNetInputs) -> Adapter:
        return {
            name: value
            for name, value in inputs.get("adapter", {}).items()
            if name in self._session.branch
        }

    def _run_bound(
        self, session: OrtSession, feed: dict[str, Array], outputs: list[str], inputs: UNetInputs
    ) -> list[FloatArray]:
        """What does not change while the same rows are drawn is placed once: the same objects are
        given in each of their steps."""
        fixed = {name: feed.pop(name) for name in _FIXED if name in feed}
        key = (inputs["prompt_embeds"], inputs["pooled"], inputs["time_ids"], inputs.get("adapter"))
        known = self._bound
        if known is None or any(one is not other for one, other in zip(known[1], key, strict=True)):
            self._bound = known = None  # its memory is free before the next is placed
            known = self._bound = session.bind(fixed, self._adapter(inputs)), key
        made = session.run(feed, outputs, bound=known[0])
        return [made[name].astype(np.float32, copy=False) for name in outputs]

    def _run(
        self, feed: dict[str, Array], outputs: list[str], adapter: Adapter
    ) -> list[FloatArray]:
        made = self._session.run(feed, outputs, adapter)
        return [made[name].astype(np.float32, copy=False) for name in outputs]


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

    def at_most(self, rows: int) -> "SparingUNet":
        """The same with at most `rows` in one run."""
        spare = SparingUNet(self._plain, rows_at_once=min(rows, self._most or rows))
        spare._unet = self._unet
        return spare

    def giving_back(self) -> "SparingUNet":
        """The same for the last step of a picture: memory kept between steps is returned to the
        system, because the decoder needs more next."""
        return SparingUNet(self._plain, rows_at_once=self._most, shrink=True)

    def forget(self) -> None:
        """See `UNetSession.forget`."""
        self._plain.forget()
        self._unet.forget()

    @property
    def can_reuse(self) -> bool:
        """See `UNetSession.can_reuse`."""
        return self._plain.can_reuse

    def predict(self, **inputs: Unpack[UNetInputs]) -> FloatArray:
        """See `UNetSession.predict`."""
        return self._in_parts(inputs, lambda unet, some, _: (unet.predict(**some),))[0]

    def predict_deep(self, **inputs: Unpack[UNetInputs]) -> tuple[FloatArray, FloatArray]:
        """See `UNetSession.predict_deep`."""
        noise_pred, deep = self._in_parts(inputs, lambda unet, some, _: unet.predict_deep(**some))
        return noise_pred, deep

    def predict_shallow(self, deep: FloatArray, **inputs: Unpack[UNetInputs]) -> FloatArray:
        """See `UNetSession.predict_shallow`."""
        return self._in_parts(
            inputs, lambda unet, some, rows: (unet.predict_shallow(deep[rows], **some),)
        )[0]

    def _in_parts(self, inputs: UNetInputs, run: _Run) -> tuple[FloatArray, ...]:
        """What `run` returns for all rows, as many at once as there is memory for."""
        adapter = inputs.pop("adapter", None)
        shared = {} if adapter is None else {"adapter": adapter}
        parts: list[tuple[FloatArray, ...]] = []
        done, count = 0, len(inputs["sample"])
        while done < count:
            rows = slice(done, min(count, done + (self._most or count)))
            some = {
                name: values if rows == slice(0, count) else values[rows]
                for name, values in cast("Inputs", inputs).items()
            }
            try:
                part = run(self._unet, cast("UNetInputs", some | shared), rows)
            except EngineError as error:
                self._spare(error, tried=rows.stop - rows.start)
            else:
                parts.append(part)
                done = rows.stop
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(each) for each in zip(*parts, strict=True))

    def _spare(self, error: EngineError, *, tried: int) -> None:
        """Run fewer than `tried` rows at once; raises `error` if that can't help."""
        if error.key != "out_of_memory" or tried == 1:
            raise error
        self._most = tried // 2
        self._unet = _shrinking(self._plain)
        _log.warning("Memory ran out with %d rows at once: %d from now on", tried, self._most)


def _shrinking(unet: UNetSession) -> UNetSession:
    session = _shrunk(unet.session)
    if session is unet.session:
        return unet
    return UNetSession(session, None if unet.shallow is None else _shrunk(unet.shallow))


def _shrunk(session: Session) -> Session:
    if isinstance(session, OpenVinoSession):
        return session.giving_back()
    if isinstance(session, OrtSession):
        return OrtSession(session.raw, shrink=True)
    return session


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
    shallow = factory.open_shallow(folder) if folder.shallow_file is not None else None
    return UNetSession(session, shallow)
