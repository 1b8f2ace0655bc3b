# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# (the border to onnxruntime, whose types are missing)
"""The only place that creates ONNX Runtime sessions, with options for each component."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from pipeline.errors import EngineError, ModelError
from pipeline.lora.adapter import PREFIX
from pipeline.model.folder import Component, ModelFolder
from pipeline.onnx.bare_graph import bare_graph, renamed
from pipeline.runtime.adapters import no_change
from pipeline.runtime.bound import Bound
from pipeline.runtime.cuda import provider_options
from pipeline.runtime.openvino import open_in_bf16
from pipeline.runtime.openvino_parts import PartedSession
from pipeline.runtime.ports import Adapter, Array, Port, Session, as_typed
from pipeline.runtime.providers import CPU, CUDA, Wanted, choose_provider
from pipeline.runtime.threads import default_threads
from pipeline.runtime.trouble import brief, trouble_of

if TYPE_CHECKING:
    from pipeline.model.options import EngineOptions

_DTYPES: Final[Mapping[str, npt.DTypeLike]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}
_WEIGHTS_FOLDER: Final = "session.model_external_initializers_file_folder_path"
_SHRINKS: Final[frozenset[Component]] = frozenset({"text_encoder", "text_encoder_2"})
_WITHOUT_ARENA: Final[frozenset[Component]] = frozenset({"vae_decoder", "vae_encoder"})
"""Components that run at most once per picture: their activations are returned to the system after
each run. The UNet keeps its own from step to step. An arena grows by doubling: SDXL's decoder took
4.4 GB with one and 3.8 without. Without, the first run of each size asks the system for every
tensor and takes half as long again; those that follow know how much they need in all and ask
once."""


class OrtSession:
    """A `Session` of ONNX Runtime. `raw` is its own session, for optimum."""

    def __init__(self, raw: Any, *, shrink: bool = False) -> None:
        self.raw = raw
        self.kept: object = None  # what the session refers to but does not own
        self.inputs: Mapping[str, Port] = {port.name: _port(port) for port in raw.get_inputs()}
        self.outputs: Mapping[str, Port] = {port.name: _port(port) for port in raw.get_outputs()}
        self.branch: Mapping[str, Port] = {
            port.name: _port(port)
            for port in raw.get_overridable_initializers()
            if port.name.startswith(PREFIX)
        }
        self.provider = str(raw.get_providers()[0])
        # cuBLAS refuses a product over no terms, so on a card an empty branch has rank 1.
        self._idle = self.place(no_change(self.branch)) if self.provider == CUDA else {}
        self._run_options = _shrinking(raw) if shrink else None

    def place(self, matrices: Mapping[str, Array]) -> Adapter:
        device = ("cpu", 0)
        if self.provider == CUDA:
            device = ("cuda", int(self.raw.get_provider_options()[CUDA]["device_id"]))
        try:
            return {
                name: ort.OrtValue.ortvalue_from_numpy(matrix, *device)
                for name, matrix in matrices.items()
            }
        except Exception as error:  # ORT's classes have no common base but Exception
            raise _failure(error) from error

    def bind(self, inputs: Mapping[str, Array], adapter: Adapter | None = None) -> Bound:
        """Place `inputs` on the device, for runs that need them and `adapter` again and again.
        Raises EngineError as `place`."""
        placed = self.place(as_typed(inputs, self.inputs))
        return Bound(self.raw, {**placed, **self._idle, **(adapter or {})})

    def run(
        self,
        inputs: Mapping[str, Array],
        outputs: Sequence[str] | None = None,
        adapter: Adapter | None = None,
        *,
        bound: Bound | None = None,
    ) -> dict[str, Array]:
        """See `Session.run`. `bound`: the inputs that `bind` placed, with their adapter."""
        names = list(outputs or self.outputs)
        feed = as_typed(inputs, self.inputs)
        try:
            if bound is None:
                feed = {**feed, **self._idle, **(adapter or {})}
                values = self.raw.run(names, feed, self._run_options)
            else:
                values = bound.run(feed, names, self._run_options)
        except Exception as error:  # ORT's classes have no common base but Exception
            raise _failure(error) from error
        return dict(zip(names, values, strict=True))


class SessionFactory:
    """Makes sessions for one device. `threads` None: from the machine.

    `mapped`: weights in separate files stay there and are read through the page cache. That needs
    little memory and costs a twentieth of the speed, because they are packed again in each run.
    Those of convolutions are still copied in the processor's order, unless `reorder` is False,
    which costs much speed.

    `card_limits`: bytes that a component's session may use on a card.

    Raises ModelError `provider_unavailable` on creation, if CUDA was requested and does not work.
    """

    def __init__(
        self,
        *,
        provider: Wanted = "auto",
        device_id: int = 0,
        threads: int | None = None,
        mapped: bool = False,
        reorder: bool = True,
    ) -> None:
        self.provider = choose_provider(provider, device_id=device_id)
        self.threads = threads or default_threads()
        self.device_id = device_id
        self.mapped = mapped
        self.card_limits: Mapping[Component, int] = {}
        self._reorder = reorder

    @classmethod
    def of(cls, options: "EngineOptions", *, mapped: bool = False, reorder: bool = True) -> Self:
        """For the device that `options` name."""
        return cls(
            provider=options.provider,
            device_id=options.device_id,
            threads=options.threads,
            mapped=mapped,
            reorder=reorder,
        )

    def open(self, folder: ModelFolder, component: Component) -> Session:
        """Load `component` in the runtime for which `folder` was made.

        Raises ModelError `model_unreadable`, `model_does_not_fit`, `provider_unavailable`,
        `openvino_missing`.
        """
        if component in folder.in_openvino:
            session = open_in_bf16(folder.onnx_file(component), threads=self.threads)
            return session.giving_back() if component in _WITHOUT_ARENA else session
        return self.open_ort(folder, component)

    def open_shallow(self, folder: ModelFolder) -> Session:
        """Load the UNet's shallow graph, which is there, where the UNet itself runs. Raises
        ModelError as `open`."""
        path = str(folder.shallow_file)
        if "unet" in folder.in_openvino:
            return open_in_bf16(Path(path), threads=self.threads)
        return self._load(path, "unet", self._options())

    def open_in_parts(self, folder: ModelFolder) -> tuple[Session, Session | None]:
        """The UNet, which runs in OpenVINO, and its shallow graph, if there is one, with a part of
        their weights in memory at a time. For checks: each run takes as long as loading."""
        shallow = folder.shallow_file
        return (
            PartedSession(folder.onnx_file("unet"), threads=self.threads),
            None if shallow is None else PartedSession(Path(shallow), threads=self.threads),
        )

    def open_ort(self, folder: ModelFolder, component: Component) -> OrtSession:
        """Load `component` in ONNX Runtime. Raises ModelError as `open`."""
        if self.mapped:
            return self._open_bare(folder, component, self._options())
        return self._load(str(folder.onnx_file(component)), component, self._options())

    def open_small(self, path: Path) -> OrtSession:
        """Load the small decoder whose graph is `path`. Raises ModelError as `open`."""
        return self._load(str(path), "vae_decoder", self._options())

    def _open_bare(self, folder: ModelFolder, component: Component, options: Any) -> OrtSession:
        """Load only the graph: weights inside its file are treated as external data."""
        files = folder.weight_files[component]
        weights, names = files.real_places()
        try:
            graph = bare_graph(files.graph, names)
        except (OSError, ValueError) as error:
            raise ModelError("model_unreadable", name=component, problem=str(error)) from error
        options.add_session_config_entry(_WEIGHTS_FOLDER, str(weights))
        return self._load(graph, component, options)

    def open_with(
        self, folder: ModelFolder, component: Component, weights: Mapping[str, Array]
    ) -> OrtSession:
        """The same with other values for some of its weights, which are not copied. Slow, because
        optimisation is off: it would use the old weights before they are replaced."""
        options = self._options()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        values = [(name, ort.OrtValue.ortvalue_from_numpy(v)) for name, v in weights.items()]
        for name, value in values:
            options.add_initializer(name, value)
        session = self._open_bare(folder, component, options)
        session.kept = (values, weights)
        return session

    def open_graph(self, graph: bytes, folder: ModelFolder, component: Component) -> OrtSession:
        """Load a changed graph of `component`, whose external weights stay where they are."""
        options = self._options()
        weights, names = folder.weight_files[component].real_places()
        if any(name != real for name, real in names.items()):
            graph = renamed(graph, names)
        options.add_session_config_entry(_WEIGHTS_FOLDER, str(weights))
        return self._load(graph, component, options)

    def _load(self, model: str | bytes, component: Component, options: Any) -> OrtSession:
        options.enable_cpu_mem_arena = component not in _WITHOUT_ARENA
        # An arena keeps memory for each picture size: 0.3 GB with SDXL's second one, without a
        # measurable gain in time.
        options.enable_mem_pattern = component != "unet" or not self.mapped
        try:
            raw = ort.InferenceSession(model, options, providers=self._providers(component))
        except Exception as error:  # ORT's classes have no common base but Exception
            trouble, problem = trouble_of(str(error)), brief(str(error))
            if trouble == "out_of_memory":
                raise ModelError("model_does_not_fit", name=component) from error
            if trouble == "device_lost":
                device = f"Card {self.device_id}"
                raise ModelError("device_gone", device=device, problem=problem) from error
            raise ModelError("model_unreadable", name=component, problem=problem) from error
        session = OrtSession(raw, shrink=component in _SHRINKS)
        if session.provider != self.provider:
            raise ModelError("provider_unavailable", wanted=self.provider, got=session.provider)
        return session

    def _options(self) -> Any:
        options = session_options(self.threads)
        if not self._reorder:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        if self.mapped:  # packing a weight for the processor copies it
            options.add_session_config_entry("session.disable_prepacking", "1")
        return options

    def _providers(self, component: Component) -> list[Any]:
        if self.provider != CUDA:
            return [CPU]
        limit = self.card_limits.get(component)
        options = provider_options(device_id=self.device_id, memory_limit_bytes=limit)
        return [(CUDA, options), CPU]


def open_on_cpu(path: Path, *, threads: int) -> OrtSession:
    """Load a graph other than the model's components, always on the processor; its activations are
    returned to the system after each run. ModelError `tagger_unreadable`."""
    try:
        raw = ort.InferenceSession(str(path), session_options(threads), providers=[CPU])
    except Exception as error:  # ORT's classes have no common base but Exception
        raise ModelError("tagger_unreadable", path=str(path), problem=str(error)[:300]) from error
    return OrtSession(raw, shrink=True)


def session_options(threads: int) -> Any:
    """Options of any session on `threads` threads."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    # Idle threads must not spin on cores that the event loop needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    return options


def _failure(error: Exception) -> EngineError:
    trouble = trouble_of(str(error)) or "inference_failed"
    return EngineError(trouble, problem=brief(str(error)))


def _shrinking(raw: Any) -> Any:
    options = ort.RunOptions()
    arena = arena_of(raw.get_providers()[0], raw.get_provider_options())
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", arena)
    return options


def arena_of(provider: str, options: Mapping[str, Mapping[str, str]]) -> str:
    """The name of a session's arena, for the run option that releases it."""
    return f"gpu:{options[CUDA]['device_id']}" if provider == CUDA else "cpu:0"


def _port(port: Any) -> Port:
    dtype = _DTYPES.get(str(port.type))
    if dtype is None:
        raise ModelError("model_unreadable", name=str(port.name), problem=f"type {port.type}")
    return Port(str(port.name), tuple(port.shape), np.dtype(dtype))
