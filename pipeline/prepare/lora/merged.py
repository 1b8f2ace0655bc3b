"""The source's weights with LoRAs added, for comparison: temporarily on disk, not in memory."""

import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.model.folder import Component, ModelFolder
from pipeline.onnx.skeleton import Weights, load_skeleton
from pipeline.prepare.lora.lora import Merge, Merges

Array = npt.NDArray[Any]


@contextmanager
def merged_weights(
    source: ModelFolder, merges: Merges, folder: Path
) -> Generator[Mapping[Component, Mapping[str, Array]]]:
    """The changed weights of each component, by name, mapped from files below `folder`, which are
    removed afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield {name: _written(source.onnx_file(name), merges[name], folder) for name in merges}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _written(path: Path, merges: Mapping[str, Merge], folder: Path) -> dict[str, Array]:
    weights = Weights(path.parent)
    found: dict[str, Array] = {}
    for index, tensor in enumerate(load_skeleton(path).graph.initializer):
        if tensor.name in merges:
            values = merges[tensor.name](weights.read(tensor))
            file = folder / f"{path.parent.name}.{index}"
            values.tofile(file)
            mapped = np.memmap(file, values.dtype, mode="r", shape=values.shape)
            found[tensor.name] = np.asarray(mapped)
    weights.close()
    return found
