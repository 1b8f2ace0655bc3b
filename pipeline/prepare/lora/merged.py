"""The source's weights with LoRAs added, for comparing: on disk for a while, not in memory."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.model.folder import Component, ModelFolder
from pipeline.onnx.skeleton import Weights, load_skeleton
from pipeline.prepare.lora.lora import Merges

Array = npt.NDArray[Any]


class MergedWeights:
    """Within `with`: the changed weights of each component, by name, mapped from files below
    `folder`. Nothing is left behind."""

    def __init__(self, source: ModelFolder, merges: Merges, folder: Path) -> None:
        self._source = source
        self._merges = merges
        self._folder = folder

    def __enter__(self) -> Mapping[Component, Mapping[str, Array]]:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)
        return {name: self._write(name) for name in self._merges}

    def __exit__(self, *_error: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _write(self, name: Component) -> dict[str, Array]:
        path = self._source.onnx_file(name)
        weights, merges = Weights(path.parent), self._merges[name]
        found: dict[str, Array] = {}
        for index, tensor in enumerate(load_skeleton(path).graph.initializer):
            if tensor.name in merges:
                values = merges[tensor.name](weights.read(tensor))
                file = self._folder / f"{name}.{index}"
                values.tofile(file)
                mapped = np.memmap(file, values.dtype, mode="r", shape=values.shape)
                found[tensor.name] = np.asarray(mapped)
        weights.close()
        return found
