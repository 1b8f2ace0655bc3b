"""LoRA files: safetensors with pairs of small matrices, in the formats of several programs.

Two spellings are read. kohya's: `lora_unet_down_blocks_1_..._to_q.lora_down.weight`, `.lora_up`,
`.alpha`, the UNet's blocks also by their names before diffusers (`input_blocks_4_1_...`), with
dots or without.
diffusers' and peft's: `unet.down_blocks.1....to_q.lora_A.weight`, `.lora_B`, older ones
`.lora.down.weight`, `.processor.to_q_lora.down.weight`.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.errors import ModelError
from pipeline.prepare.lora.methods import method_of, model_of
from pipeline.prepare.lora.tensors import Floats, TensorFile

__all__ = ["Entry", "Floats", "LoraFile", "unknown_keys"]

_PEFT_NOTES: Final = "lora_adapter_metadata"

_SUFFIXES: Final = (
    (".lora_down.weight", "down"),
    (".lora_up.weight", "up"),
    (".lora_mid.weight", "mid"),
    (".lora_A.weight", "down"),
    (".lora_B.weight", "up"),
    (".lora.down.weight", "down"),
    (".lora.up.weight", "up"),
    (".lora_linear_layer.down.weight", "down"),
    (".lora_linear_layer.up.weight", "up"),
    ("_lora.down.weight", "down"),
    ("_lora.up.weight", "up"),
    (".alpha", "alpha"),
)
_PRODUCTS: Final = (
    (".hada_w1_a", "w1_a"),
    (".hada_w1_b", "w1_b"),
    (".hada_w2_a", "w2_a"),
    (".hada_w2_b", "w2_b"),
    (".lokr_w1", "k1"),
    (".lokr_w1_a", "k1_a"),
    (".lokr_w1_b", "k1_b"),
    (".lokr_w2", "k2"),
    (".lokr_w2_a", "k2_a"),
    (".lokr_w2_b", "k2_b"),
)
"""Of LoHa and LoKr (LyCORIS)."""

_COMPLETE: Final = tuple(
    frozenset(parts.split())
    for parts in (
        "down up", "down up mid", "w1_a w1_b w2_a w2_b", "k1 k2", "k1 k2_a k2_b", "k1_a k1_b k2",
        "k1_a k1_b k2_a k2_b",
    )
)  # fmt: skip
"""The tensors of a layer; `alpha` may be added to each."""


@dataclass(slots=True)
class Entry:
    """A file's tensors of one layer, by key: `down` (rank, in), `up` (out, rank), `alpha`, and for
    convolutions `mid`. Of LoHa `w1_a` (out, rank), `w1_b` (rank, in), `w2_a`, `w2_b`; of LoKr `k1`
    and `k2`, or the two factors of either, `k1_a` and `k1_b`."""

    keys: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def parts(self) -> frozenset[str]:
        """What it has beside `alpha`."""
        return frozenset(self.keys) - {"alpha"}


class LoraFile(TensorFile):
    """An open LoRA. `entries` by the layer's name as spelled in the file; values are read on
    demand. `products`: LoHa and LoKr are read as well.

    Raises ModelError `lora_unreadable`, `lora_type`, and what `unknown_keys` gives where a key is
    none of a LoRA's.
    """

    def __init__(self, path: Path, *, products: bool = False) -> None:
        super().__init__(path)
        self.entries: dict[str, Entry] = {}
        suffixes = (*_SUFFIXES, *_PRODUCTS) if products else _SUFFIXES
        unknown: list[str] = []
        for key in self:
            found = next((pair for pair in suffixes if key.endswith(pair[0])), None)
            if found is None:
                unknown.append(key)
                continue
            suffix, part = found
            keys = self.entries.setdefault(key.removesuffix(suffix), Entry()).keys
            if keys.setdefault(part, key) != key:  # the same in another spelling
                unknown.append(key)
        halves = [
            key
            for entry in self.entries.values()
            if entry.parts not in _COMPLETE
            for key in entry.keys.values()
        ]
        if unknown or not self.entries:
            raise unknown_keys(self.name, [*unknown, *halves])
        if halves:
            raise ModelError(
                "lora_unreadable", name=self.name, problem=f"{halves[0]} has no other half"
            )
        for layer, entry in self.entries.items():
            self._check(layer, entry)

    def check_finite(self) -> None:
        """Read all values. Raises ModelError `lora_not_finite` for NaN or infinity."""
        for entry in self.entries.values():
            for key in entry.keys.values():
                if not np.isfinite(self.read(key)).all():
                    raise ModelError("lora_not_finite", name=self.name, tensor=key)

    def rank(self, entry: Entry) -> int:
        """What alpha is divided by: the rank that was chosen when the layer was trained. 0 for a
        LoKr without one."""
        for part in ("down", "w1_b", "k1_b", "k2_b"):
            if part in entry.keys:
                return self.shape(entry.keys[part])[0]
        return 0

    def scale(self, spelled: str) -> float:
        """Alpha / rank of a layer: alpha from the file, otherwise from peft's notes, otherwise the
        rank. ModelError `lora_unreadable` if the notes can't be used."""
        entry = self.entries[spelled]
        rank = self.rank(entry)
        if not rank:
            return 1.0
        if "alpha" in entry.keys:
            return float(self.read(entry.keys["alpha"]).reshape(-1)[0]) / rank
        component, _, layer = spelled.partition(".")
        try:
            return _noted_alpha(
                json.loads(self.metadata.get(_PEFT_NOTES, "{}")), component, layer, rank
            )
        except (ValueError, TypeError, AttributeError, re.error) as error:
            problem = f"its notes ({_PEFT_NOTES}) can't be used: {error}"
            raise ModelError("lora_unreadable", name=self.name, problem=problem) from error

    def _check(self, layer: str, entry: Entry) -> None:
        """Check that a layer's matrices have two axes, the same rank, and a supported type."""
        for part, key in entry.keys.items():
            if part != "alpha" and self.is_whole(key):
                raise ModelError("lora_type", name=self.name, kind=self.kind(key))
        shapes = {part: self.shape(key) for part, key in entry.keys.items()}
        alpha = shapes.pop("alpha", ())
        wrong = [len(shape) < 2 or 0 in shape for shape in shapes.values()]
        if any(wrong) or math.prod(alpha) != 1 or len(shapes.get("mid", (1,) * 4)) != 4:
            raise ModelError(
                "lora_unreadable", name=self.name, problem=f"{layer} is no pair of matrices"
            )
        for ranks in _ranks(shapes):
            if len(ranks) > 1:
                words = " and ".join(str(rank) for rank in sorted(ranks))
                raise ModelError(
                    "lora_unreadable",
                    name=self.name,
                    problem=f"the matrices of {layer} have different ranks ({words})",
                )


def _ranks(shapes: Mapping[str, tuple[int, ...]]) -> Iterable[set[int]]:
    """The ranks that matrices of each pair have: one, if they fit together."""
    if "up" in shapes:
        yield {math.prod(shapes["up"][1:]), shapes["down"][0], *shapes.get("mid", ())[:2]}
    for a, b in (("w1_a", "w1_b"), ("w2_a", "w2_b"), ("k1_a", "k1_b"), ("k2_a", "k2_b")):
        if a in shapes:
            yield {math.prod(shapes[a][1:]), shapes[b][0]}


def _noted_alpha(notes: Mapping[str, Any], component: str, layer: str, rank: int) -> float:
    """Alpha as peft notes it, over the rank or its root."""
    said = notes.get(f"{component}.lora_alpha", rank)
    patterns: Mapping[str, Any] = notes.get(f"{component}.alpha_pattern") or {}
    for pattern, value in patterns.items():
        if re.fullmatch(rf"(.*\.)?({pattern})", layer):
            said = value
    root = bool(notes.get(f"{component}.use_rslora"))
    return float(said) / (math.sqrt(rank) if root else rank)


def unknown_keys(name: str, keys: list[str]) -> ModelError:
    """The error that names some of `keys` and their method or model, if known: `lora_method`,
    `lora_model`, `lora_unknown_keys`."""
    method, model = method_of(keys), model_of(keys)
    if method is not None:
        return ModelError("lora_method", name=name, method=method, keys=some(keys))
    if model is not None:
        return ModelError("lora_model", name=name, model=model, keys=some(keys))
    return ModelError("lora_unknown_keys", name=name, keys=some(keys))


def some(keys: list[str]) -> str:
    """At most three of `keys`, and how many more there are."""
    shown = ", ".join(keys[:3]) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")
    return shown or "none at all"
