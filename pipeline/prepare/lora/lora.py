"""Merges LoRAs into a model's weights, one tensor at a time."""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.errors import InputError, ModelError
from pipeline.model.configs import read_json, whole
from pipeline.model.folder import Component, ModelFolder
from pipeline.onnx.branch import remove_branch
from pipeline.onnx.graph import GraphView
from pipeline.onnx.linear import is_turned, module_of, stored_behind
from pipeline.onnx.skeleton import load_skeleton
from pipeline.plan.prepared import LoraNote
from pipeline.prepare.lora.file import Entry, LoraFile, unknown_keys
from pipeline.prepare.lora.names import place

Array = npt.NDArray[Any]
Merge = Callable[[Array], Array]
Merges = dict[Component, dict[str, Merge]]

MAX_STRENGTH: Final = 10.0
_CHANGED: Final[tuple[Component, ...]] = ("unet", "text_encoder", "text_encoder_2")
_STRENGTH: Final = re.compile(r"(.+)[:\uff1a]([^:\uff1a/\\]*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """A LoRA to merge, and its strength."""

    path: Path
    strength: float = 1.0

    @classmethod
    def parse(cls, typed: str) -> "Lora":
        """From `FILE` or `FILE:strength`, also with full-width characters or a decimal comma.

        Raises InputError `lora_strength`.
        """
        split = _STRENGTH.fullmatch(typed)
        if split is None or Path(typed).expanduser().is_file():
            return cls(path=Path(typed).expanduser())
        file, number = Path(split[1]).expanduser(), split[2]
        strength = _number(number)
        if strength is None and not (file.is_file() or file.suffix == ".safetensors"):
            return cls(path=Path(typed).expanduser())  # a name with a colon, a drive of Windows
        if strength is None or not abs(strength) <= MAX_STRENGTH:
            raise InputError("lora_strength", typed=number, most=f"{MAX_STRENGTH:g}")
        return cls(path=file, strength=strength)

    def note(self) -> LoraNote:
        """Its entry in the manifest. Raises ModelError `lora_unreadable`."""
        return LoraNote(
            name=self.path.stem, sha256=LoraFile(self.path).sha256(), strength=self.strength
        )


def _number(typed: str) -> float | None:
    """`0.8` and `0,8`; None for what is no number."""
    plain = unicodedata.normalize("NFKC", typed)
    try:
        return float(plain.replace(",", ".") if "." not in plain else plain)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Layer:
    """A weight of the source: its initializer, whether it is (in, out), its shape as (out, in,
    ...), and how many layers share it."""

    weight: str
    turned: bool
    shape: tuple[int, ...]
    sharers: int


def merges_for(source: ModelFolder, loras: Sequence[Lora]) -> Merges:
    """The changes of `loras` to the weights of `source`, by component and initializer.

    Raises ModelError what `LoraFile` raises, `lora_not_finite`, `lora_unknown_keys` (with the keys
    that no layer of this model fits), `lora_unfit` (a layer of another shape: made for another
    model), `lora_shared`.
    """
    merges: Merges = {}
    if not loras:
        return merges
    layers = {name: _layers(source.onnx_file(name)) for name in _CHANGED}
    per_block = whole(read_json(source.path / "unet" / "config.json"), "layers_per_block", 2)
    for lora in loras:
        file = LoraFile(lora.path)
        unknown: list[str] = []
        for spelled, entry in file.entries.items():
            found = place(spelled, layers_per_block=per_block)
            layer = None if found is None else layers[found[0]].get(found[1])
            if found is None or layer is None:
                unknown += entry.keys.values()
                continue
            _check_shape(file, entry, layer)
            change = _Change(file, entry, layer, lora.strength * file.scale(spelled))
            known = merges.setdefault(found[0], {})
            known[layer.weight] = _after(known.get(layer.weight), change)
        if unknown:
            raise unknown_keys(file.name, unknown)
        file.check_finite()
    return merges


def _after(first: Merge | None, then: Merge) -> Merge:
    return then if first is None else lambda values: then(first(values))


@dataclass(frozen=True, slots=True)
class _Change:
    """Adds `scale` times the product of a pair; called with the weight as the source has it."""

    file: LoraFile
    entry: Entry
    layer: _Layer
    scale: float

    def __call__(self, values: Array) -> Array:
        keys = self.entry.keys
        up, down = self.file.read(keys["up"]), self.file.read(keys["down"])
        if "mid" in keys:
            mid = self.file.read(keys["mid"])
            product = np.einsum(
                "or,rshw,si->oihw", up.reshape(up.shape[:2]), mid, down.reshape(down.shape[:2])
            )
        else:
            product = up.reshape(len(up), -1) @ down.reshape(len(down), -1)
        product = product.reshape(self.layer.shape) * np.float32(self.scale)
        if self.layer.turned:
            product = product.T
        return (values.astype(np.float32) + product).astype(values.dtype)


def _check_shape(file: LoraFile, entry: Entry, layer: _Layer) -> None:
    """Check that the pair has the layer's shape."""
    down, up = file.shape(entry.keys["down"]), file.shape(entry.keys["up"])
    out, inner = layer.shape[0], layer.shape[1]
    wanted = math.prod(layer.shape[1:])
    if "mid" in entry.keys:
        fits = down[1] == inner and file.shape(entry.keys["mid"])[2:] == layer.shape[2:]
    else:
        fits = math.prod(down[1:]) == wanted
    if layer.sharers > 1:
        raise ModelError("lora_shared", name=file.name, layer=entry.keys["down"])
    if not fits or up[0] != out:
        raise ModelError(
            "lora_unfit",
            name=file.name,
            layer=entry.keys["down"],
            want=" x ".join(map(str, layer.shape)),
            have=f"{up[0]} x {math.prod(down[1:])}",
        )


def _layers(path: Path) -> dict[str, _Layer]:
    """The linear layers and convolutions of a graph, by the name of their module with `_` for
    `.`."""
    model = load_skeleton(path)
    remove_branch(model)
    view = GraphView(model)
    named: dict[str, tuple[str, bool, tuple[int, ...]]] = {}
    for node in model.graph.node:
        if node.op_type not in {"MatMul", "Gemm", "Conv"}:
            continue
        weight, _ = stored_behind(view, node.input[1])  # a Cast may stand between
        if weight is None or len(weight.dims) < 2:
            continue
        turned = is_turned(node)
        dims = tuple(int(dim) for dim in weight.dims)
        named[module_of(node).replace(".", "_")] = (
            weight.name,
            turned,
            dims[::-1] if turned else dims,
        )
    used = [weight for weight, _, _ in named.values()]
    return {
        module: _Layer(weight, turned, shape, used.count(weight))
        for module, (weight, turned, shape) in named.items()
    }
