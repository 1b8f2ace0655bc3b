"""A model folder as optimum defines it (diffusers' layout, one ONNX file a component), read once.

Everything that is specific to a model comes from here: prediction type, timestep spacing, VAE
factor, latent channels, size multiple. Opening reads only small JSON files and file sizes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from pipeline.errors import ModelError
from pipeline.model.check import check_files, check_is_sdxl
from pipeline.model.configs import Json, items, levels, number, numbers, read_json, text, whole
from pipeline.model.content_hash import content_hash
from pipeline.onnx.branch_size import numbers_per_rank
from pipeline.onnx.external_data import resizes_to_fit
from pipeline.onnx.weight_files import GRAPH_NAME, SHALLOW_NAME, WeightFiles
from pipeline.rework import MAX_STRENGTH, MIN_STRENGTH, UPSCALE_STRENGTH

Component = Literal["text_encoder", "text_encoder_2", "unet", "vae_decoder", "vae_encoder"]

COMPONENTS: Final[tuple[Component, ...]] = (
    "text_encoder",
    "text_encoder_2",
    "unet",
    "vae_decoder",
    "vae_encoder",
)
REQUIRED: Final = COMPONENTS[:4]
"""Without `vae_encoder` everything but img2img works."""

SMALL_DECODER: Final = "small_decoder"
"""The folder of a small decoder, which need not be there: it makes drafts and previews."""

_KNOWN: Final = {
    "prediction_type": ("epsilon", "v_prediction", "sample"),
    "timestep_spacing": ("leading", "trailing", "linspace"),
}
"""What diffusers has; `pipeline.model.scheduler` says which of it our own samplers support."""


@dataclass(frozen=True, kw_only=True)
class ModelFolder:
    """What is known about a model before any weight is read.

    `vae_scale_factor`: pixels a latent pixel covers, a side. `size_multiple`: every side of a
    picture must be a multiple of it. `latents_mean` and `latents_std`: one value per channel, or
    None. `name` and `notice` are for people; `notice` must be shown with each picture unless empty.
    `upscale_strength`: how much of an upscaled picture is redrawn, 0..1: if that is too much, a
    model trained for one size draws a second figure into a larger picture. `upscale_pixels`: an
    upscale enlarges the picture and not its latents, which a model whose latents hold fine lines
    needs. `rows_alone`: other rows of a run would change a row's numbers (int8 quantises them
    together). `fused`: attention keeps no scores, and all weights are outside the graph.
    `in_openvino`: components that OpenVINO runs, in bfloat16. `loras`: UNet and text encoders have
    the low-rank branch (`pipeline.onnx.branch`). `scheduler`: the entries of
    `scheduler/scheduler_config.json` as written, for diffusers' classes and for
    `pipeline.model.scheduler`, and `clip_sample` where it was left out. `stated_hash`: what a
    prepared folder says of the weights it was made from, or "".
    """

    path: Path
    name: str
    notice: str
    scheduler: Mapping[str, object]
    latent_channels: int
    vae_scale_factor: int
    size_multiple: int
    scaling_factor: float
    shift_factor: float
    latents_mean: tuple[float, ...] | None
    latents_std: tuple[float, ...] | None
    force_zeros_for_empty_prompt: bool
    precision: str
    upscale_strength: float = UPSCALE_STRENGTH
    upscale_pixels: bool = False
    rows_alone: bool = False
    fused: bool = False
    in_openvino: frozenset[str] = frozenset()
    loras: bool = False
    stated_hash: str = ""

    @classmethod
    def open(cls, path: Path) -> "ModelFolder":
        """Read the folder `path`.

        Raises ModelError: what `check_is_sdxl` and `check_files` raise, `model_config_wrong`.
        """
        index = check_is_sdxl(path)
        check_files(path, REQUIRED, COMPONENTS)
        vae = read_json(path / "vae_decoder" / "config.json")
        unet = read_json(path / "unet" / "config.json")
        card = read_json(path / "ekaki.json") if (path / "ekaki.json").is_file() else {}
        scale = 2 ** (len(levels(vae)) - 1)
        halved = 2 ** (len(levels(unet)) - 1)
        fits = resizes_to_fit(path / "unet" / "model.onnx")
        return cls(
            path=path,
            name=text(card, "name", _name_of(path)),
            notice=text(card, "notice", ""),
            scheduler=_scheduler(read_json(path / "scheduler" / "scheduler_config.json")),
            latent_channels=whole(vae, "latent_channels", 4),
            vae_scale_factor=scale,
            size_multiple=whole(card, "size_multiple", scale if fits else scale * halved),
            scaling_factor=number(vae, "scaling_factor", 0.18215),
            shift_factor=number(vae, "shift_factor", 0.0),
            latents_mean=_channels(vae, "latents_mean"),
            latents_std=_channels(vae, "latents_std"),
            force_zeros_for_empty_prompt=bool(index.get("force_zeros_for_empty_prompt", True)),
            precision=text(card, "precision", "fp32"),
            upscale_strength=_strength(card),
            upscale_pixels=bool(card.get("upscale_pixels", False)),
            rows_alone=bool(card.get("rows_alone", False)),
            fused=bool(card.get("fused", False)),
            in_openvino=frozenset(map(str, items(card, "openvino") or ())),
            loras=numbers_per_rank(path / "unet" / GRAPH_NAME) > 0,
            stated_hash=text(card, "hash", ""),
        )

    def onnx_file(self, component: Component) -> Path:
        """The graph of `component`; its weights may be next to it."""
        return self.path / component / GRAPH_NAME

    def has(self, component: Component) -> bool:
        """Whether `component` is there (`vae_encoder` may be missing)."""
        return self.onnx_file(component).is_file()

    @property
    def small_decoder(self) -> Path | None:
        """The graph of its small decoder; None without one."""
        path = self.path / SMALL_DECODER / GRAPH_NAME
        return path if path.is_file() else None

    @property
    def shallow_file(self) -> Path | None:
        """The UNet's shallow graph (`pipeline.onnx.shallow`), if there is one."""
        path = self.path / "unet" / SHALLOW_NAME
        return path if path.is_file() else None

    def tokenizer_folder(self, number: Literal[1, 2]) -> Path:
        """The tokenizer of the first or second text encoder."""
        return self.path / ("tokenizer" if number == 1 else "tokenizer_2")

    def weight_bytes(self, component: Component) -> int:
        """Bytes of graph and weights of `component` on disk."""
        return self.weight_files[component].size_bytes

    @cached_property
    def weight_files(self) -> Mapping[Component, WeightFiles]:
        """The files with the weights of each component that is there."""
        return {name: WeightFiles.of(self.onnx_file(name)) for name in COMPONENTS if self.has(name)}

    @cached_property
    def content_hash(self) -> str:
        """Ten hex digits that name these weights (`pipeline.model.content_hash`), whatever
        precision they were prepared in."""
        if self.stated_hash:
            return self.stated_hash
        files = [path for files in self.weight_files.values() for path in files.paths]
        return content_hash(self.path, files)


def _name_of(path: Path) -> str:
    """The folder's name, or the repository's where the folder is a commit in the hub's cache."""
    repository = path.parent.parent.name
    if path.parent.name == "snapshots" and repository.startswith("models--"):
        return repository.rpartition("--")[2]
    return path.name


def _scheduler(config: Json) -> Mapping[str, object]:
    """Raises ModelError `model_config_wrong` for values with which nothing can be drawn."""
    for key, known in _KNOWN.items():
        if (value := text(config, key, known[0])) not in known:
            raise ModelError("model_config_wrong", name="scheduler", problem=f"{key} {value}")
    for key in ("beta_start", "beta_end"):
        number(config, key, 0)
    for key in ("num_train_timesteps", "steps_offset"):
        whole(config, key, 0)
    # diffusers' DDIM clips to +-1 unless configured otherwise: right for pixels, ruin for latents.
    # SDXL's own file says False; models saved with another scheduler leave it out.
    return MappingProxyType({"clip_sample": False, **config})


def _channels(config: Json, key: str) -> tuple[float, ...] | None:
    found = numbers(config, key)
    return None if found is None else tuple(found)


def _strength(card: Json) -> float:
    """Raises ModelError `model_config_wrong` for values with which no upscale can be drawn."""
    strength = number(card, "upscale_strength", UPSCALE_STRENGTH)
    if not MIN_STRENGTH <= strength <= MAX_STRENGTH:
        problem = f"{strength} is not between {MIN_STRENGTH} and {MAX_STRENGTH}"
        raise ModelError("model_config_wrong", name="upscale_strength", problem=problem)
    return strength
