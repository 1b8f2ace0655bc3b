"""Writes a changed component, one tensor at a time, and resumes where an earlier run was killed.

The position of every tensor is known before the first is read, and so is the required space; a
second run computes the same positions.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipeline.disk import replace_json
from pipeline.onnx.bare_graph import INLINE_BYTES
from pipeline.onnx.library import onnx
from pipeline.onnx.skeleton import Weights
from pipeline.onnx.weight_files import GRAPH_NAME
from pipeline.prepare.recipes import Conversion, Recipe, Target

Array = npt.NDArray[Any]

DATA_NAME: Final = "model.onnx_data"
ALIGNMENT: Final = 4096  # of each tensor, so that the file can be mapped into memory
SAVE_EVERY_BYTES: Final = 128 * 2**20
"""The maximum that has to be rewritten after a kill."""

_CHUNK: Final = 2**22


@dataclass(frozen=True, slots=True)
class Placed:
    """A tensor to write, and its position: `offset` None for a small one, in the graph."""

    target: Target
    offset: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The layout of a component's data file. `places[i]` belong to the i-th initializer."""

    places: tuple[tuple[Placed, ...], ...]
    recipes: tuple[Recipe, ...]
    size_bytes: int

    def fingerprint(self) -> str:
        """The same for the same tensors at the same places."""
        content = [
            (placed.target.name, str(placed.target.dtype), placed.target.dims, placed.offset)
            for group in self.places
            for placed in group
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def plan(conversion: Conversion) -> Plan:
    """Lay out the tensors of `conversion` in the source's order."""
    places: list[tuple[Placed, ...]] = []
    recipes: list[Recipe] = []
    end = 0
    for tensor in conversion.model.graph.initializer:
        recipe = conversion.recipe(tensor)
        group: list[Placed] = []
        for target in recipe.targets:
            if target.size_bytes < INLINE_BYTES:
                group.append(Placed(target, None))
                continue
            end += -end % ALIGNMENT
            group.append(Placed(target, end))
            end += target.size_bytes
        places.append(tuple(group))
        recipes.append(recipe)
    return Plan(tuple(places), tuple(recipes), end)


class ComponentWriter:
    """Writes one component into `folder`. `on_bytes` is called with the number of bytes written."""

    def __init__(
        self,
        conversion: Conversion,
        weights: Weights,
        folder: Path,
        on_bytes: Callable[[int], None],
    ) -> None:
        self._conversion = conversion
        self._weights = weights
        self._folder = folder
        self._on_bytes = on_bytes
        self._plan = plan(conversion)
        self._journal = folder / "progress.json"

    def write(self) -> dict[str, tuple[str, int]]:
        """Write data, then graph. Returns SHA-256 and size of each file by name.

        Raises OSError if the disk is full, ModelError as reading.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        done, digest = self._resume()
        inline: list[tuple[Target, Array]] = []
        path = self._folder / DATA_NAME
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.truncate(self._end_of(done))
            file.seek(0, os.SEEK_END)
            sink = _Sink(file, digest)
            saved = sink.at
            self._on_bytes(sink.at)
            for index, tensor in enumerate(self._conversion.model.graph.initializer):
                group = self._plan.places[index]
                if index < done and all(placed.offset is not None for placed in group):
                    continue
                for placed, values in zip(group, self._values(index, tensor), strict=True):
                    if placed.offset is None:
                        inline.append((placed.target, values))
                    elif index >= done:
                        before = sink.at
                        sink.put(placed.offset, values)
                        self._on_bytes(sink.at - before)
                if sink.at - saved >= SAVE_EVERY_BYTES:
                    saved = sink.at
                    self._save(file, index + 1)
            _flush(file)
        if not sink.at:
            path.unlink()
        files = {DATA_NAME: (digest.hexdigest(), sink.at)} if sink.at else {}
        files[GRAPH_NAME] = self._write_graph(inline)
        self._journal.unlink(missing_ok=True)
        return files

    def _values(self, index: int, tensor: Any) -> Iterator[Array]:
        """What is written for one initializer of the source."""
        values = self._weights.read(tensor)
        merge = self._conversion.merges.get(tensor.name)
        if merge is not None:
            values = merge(values)
        recipe = self._plan.recipes[index]
        for target, made in zip(recipe.targets, recipe.make(values), strict=True):
            assert made.shape == target.dims, target.name
            assert made.dtype == target.dtype, target.name
            yield np.ascontiguousarray(made)

    def _end_of(self, done: int) -> int:
        """Where the data of the first `done` initializers ends."""
        ends = [
            placed.offset + placed.target.size_bytes
            for group in self._plan.places[:done]
            for placed in group
            if placed.offset is not None
        ]
        return max(ends, default=0)

    def _resume(self) -> tuple[int, Any]:
        """How many initializers an earlier run wrote, and the hash over them."""
        digest = hashlib.sha256()
        try:
            noted = json.loads(self._journal.read_text(encoding="utf-8"))
            done = int(noted["done"]) if noted["plan"] == self._plan.fingerprint() else 0
            end = self._end_of(done)
            if (self._folder / DATA_NAME).stat().st_size < end:
                return 0, digest
        except (OSError, ValueError, KeyError, TypeError):
            return 0, digest
        with (self._folder / DATA_NAME).open("rb") as file:
            while end > 0:
                part = file.read(min(_CHUNK, end))
                digest.update(part)
                end -= len(part)
        return done, digest

    def _save(self, file: Any, done: int) -> None:
        """Make sure that what was written so far survives a crash."""
        _flush(file)
        noted = {"plan": self._plan.fingerprint(), "done": done}
        replace_json(self._journal, noted, sync=True)

    def _write_graph(self, inline: list[tuple[Target, Array]]) -> tuple[str, int]:
        """The graph with references to the data. Returns its hash and size."""
        model = self._conversion.model
        tensors = [onnx.numpy_helper.from_array(values, target.name) for target, values in inline]
        tensors += [
            _outside(placed.target, placed.offset)
            for group in self._plan.places
            for placed in group
            if placed.offset is not None
        ]
        del model.graph.initializer[:]
        model.graph.initializer.extend(tensors)
        model.producer_name = "ekaki"
        content = bytes(model.SerializeToString(deterministic=True))
        with (self._folder / GRAPH_NAME).open("wb") as file:
            file.write(content)
            _flush(file)
        return hashlib.sha256(content).hexdigest(), len(content)


class _Sink:
    """The end of the data file and the hash over all before it."""

    def __init__(self, file: Any, digest: Any) -> None:
        self._file = file
        self._digest = digest
        self.at = int(file.tell())

    def put(self, offset: int, values: Array) -> None:
        gap = bytes(offset - self.at)
        content = values.reshape(-1).view(np.uint8).data
        for part in (gap, content):
            if len(part):
                self._file.write(part)
                self._digest.update(part)
        self.at = offset + len(content)


def _outside(target: Target, offset: int) -> Any:
    tensor = onnx.TensorProto()
    tensor.name = target.name
    tensor.dims.extend(target.dims)
    tensor.data_type = onnx.helper.np_dtype_to_tensor_dtype(target.dtype)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    place = {"location": DATA_NAME, "offset": offset, "length": target.size_bytes}
    for key, value in place.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    return tensor


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())
