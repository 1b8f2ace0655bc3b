"""The files with a component's weights: its graph, and those that the graph names.

The hub's cache has links in a model's folder, and the files themselves next to each other
elsewhere; links are followed. A graph that names a file outside its folder is rejected.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Final

from pipeline.errors import ModelError
from pipeline.onnx.external_data import external_files

GRAPH_NAME: Final = "model.onnx"
SHALLOW_NAME: Final = "shallow.onnx"
"""A UNet's shallow graph (`pipeline.onnx.shallow`), beside the whole one, whose files it uses."""

_LFS_POINTER: Final = b"version https://git-lfs"


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The graph, and the files it names, by stated location."""

    graph: Path
    outside: Mapping[str, Path]

    @classmethod
    def of(cls, graph: Path) -> "WeightFiles":
        """The files of `graph`, all complete.

        Raises ModelError `model_incomplete`, `model_pointer`, `model_data_elsewhere`.
        """
        folder = graph.parent
        try:
            wanted = external_files(graph)
        except ValueError as error:
            key = "model_pointer" if _is_pointer(graph) else "model_incomplete"
            raise ModelError(key, name=f"{folder.name}/{graph.name}") from error
        outside: dict[str, Path] = {}
        for file in wanted:
            path = locate(folder, file.location)
            name = f"{folder.name}/{file.location}"
            if not path.is_file():
                raise ModelError("model_incomplete", name=name)
            if path.stat().st_size < file.needed_bytes:
                raise ModelError(
                    "model_pointer" if _is_pointer(path) else "model_incomplete", name=name
                )
            outside[file.location] = path
        return cls(graph, outside)

    @property
    def paths(self) -> list[Path]:
        """All of them, the graph first."""
        return [self.graph, *self.outside.values()]

    @property
    def size_bytes(self) -> int:
        """Of all of them."""
        return sum(path.stat().st_size for path in self.paths)

    def real_places(self) -> tuple[Path, dict[str, str]]:
        """The folder that really contains the files, and their names there by their names here.

        ONNX Runtime reads no file outside the given folder, links or not.
        """
        real = {self.graph.name: self.graph.resolve()}
        real |= {location: path.resolve() for location, path in self.outside.items()}
        folder = Path(os.path.commonpath([path.parent for path in real.values()]))
        return folder, {name: path.relative_to(folder).as_posix() for name, path in real.items()}


def locate(folder: Path, location: str) -> Path:
    """The file that the graph in `folder` calls `location`. It need not exist.

    Raises ModelError `model_data_elsewhere` unless it really is in `folder`, or next to the file to
    which the graph in `folder` links.
    """
    path = folder / location
    real = path.resolve() if is_inside(location) else None
    homes = (folder.resolve(), (folder / GRAPH_NAME).resolve().parent)
    if real is None or not any(real.is_relative_to(home) for home in homes):
        raise ModelError("model_data_elsewhere", name=f"{folder.name}/{GRAPH_NAME}", file=location)
    return path


def is_inside(location: str) -> bool:
    """Whether `location` names a file below its folder, on any system."""
    for path in (PurePosixPath(location), PureWindowsPath(location)):
        if path.anchor or not path.parts or ".." in path.parts:
            return False
    return True


def _is_pointer(path: Path) -> bool:
    """Whether it is the pointer that Git leaves instead of a file if Git LFS is not installed."""
    with path.open("rb") as file:
        return file.read(len(_LFS_POINTER)) == _LFS_POINTER
