"""A small tagger with the contract of the WD v3 models, for tests: a real graph that is really run.

It judges the colour in the middle of a picture: green general, blue sensitive, yellow questionable,
red explicit; rose is explicit and `loli`, teal general and `child`.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# (the border to onnx, whose types are partly missing)

import csv
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from pipeline.request import ResolvedRequest
from tests.support.fake_engine import FakeEngine

SIDE = 32
COLOURS = {
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "red": (255, 0, 0),
    "rose": (255, 0, 128),
    "teal": (0, 255, 128),
}
ROWS = (
    ("general", 9), ("sensitive", 9), ("questionable", 9), ("explicit", 9),
    ("1girl", 0), ("loli", 0), ("child", 0), ("apple", 0), ("hatsune_miku", 4),
)  # fmt: skip
_PROTOTYPES = ("green", "blue", "yellow", "red")
_SURE = 12.0


class PaintEngine(FakeEngine):
    """Paints the colours that the prompt names (`red-picture, green-picture`), one a picture."""

    usual = ""  # the colour where none is named; empty: as FakeEngine

    def picture(
        self, request: ResolvedRequest, index: int, init_image: Image.Image | None
    ) -> Image.Image:
        tags = request.of(index).prompt.split(",")
        wanted = [name for tag in tags for name in _named(tag)]
        wanted = wanted or [name for name in [self.usual] if name]
        if not wanted:
            return super().picture(request, index, init_image)
        colour = COLOURS[wanted[index % len(wanted)]]
        # Not all alike: equal files would be one.
        colour = (*colour[:2], colour[2] ^ (request.seed_of(index) % 4))
        size = (request.width // self._scale, request.height // self._scale)
        return Image.new("RGB", size, colour)


def _named(tag: str) -> list[str]:
    return [name for name in COLOURS for word in tag.split() if word == f"{name}-picture"]


def make_tagger(
    folder: Path, *, rows: tuple[tuple[str, int], ...] = ROWS, broken: bool = False
) -> Path:
    """Write `model.onnx` and `selected_tags.csv`. `broken`: passes on a blank, fails on a picture
    (returns invalid probabilities)."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "selected_tags.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["tag_id", "name", "category", "count"])
        table.writerows([n, name, kind, 0] for n, (name, kind) in enumerate(rows))
    onnx.save(_graph(broken=broken), str(folder / "model.onnx"))
    return folder


def _graph(*, broken: bool) -> Any:
    # Columns are blue, green, red. Ratings: nearest prototype, as logits of a softmax.
    colours = np.array([COLOURS[name][::-1] for name in _PROTOTYPES], np.float32) / 255
    ratings, bias = 2 * _SURE * colours.T, -_SURE * (colours**2).sum(1)
    tags = _SURE * np.array([[0, 1, 1, -1, 0], [0, 0, 1, -1, 1], [0, 1, 0, 2, 0]], np.float32)
    levels = np.array([5, -1.25 * _SURE, -1.25 * _SURE, -1.5 * _SURE, -0.9 * _SURE], np.float32)
    middle = (SIDE // 4, 3 * SIDE // 4)
    constants = {
        "starts": np.array([middle[0]] * 2), "ends": np.array([middle[1]] * 2),
        "axes": np.array([1, 2]), "scale": np.array(255, np.float32),
        "ratings": ratings, "bias": bias.astype(np.float32), "tags": tags, "levels": levels,
        "factor": np.array(1.0, np.float32),
    }  # fmt: skip
    nodes = [
        helper.make_node("Slice", ["input", "starts", "ends", "axes"], ["middle"]),
        helper.make_node("ReduceMean", ["middle"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Div", ["mean", "scale"], ["colour"]),
        helper.make_node("MatMul", ["colour", "ratings"], ["near"]),
        helper.make_node("Add", ["near", "bias"], ["rating_logits"]),
        helper.make_node("Softmax", ["rating_logits"], ["rating"], axis=1),
        helper.make_node("MatMul", ["colour", "tags"], ["seen"]),
        helper.make_node("Add", ["seen", "levels"], ["tag_logits"]),
        helper.make_node("Sigmoid", ["tag_logits"], ["tag"]),
        helper.make_node("Concat", ["rating", "tag"], ["sure"], axis=1),
    ]
    if broken:  # 0 / 0 where a picture is not white
        nodes += [
            helper.make_node("ReduceMin", ["colour"], ["darkest"], axes=[1], keepdims=1),
            helper.make_node("Div", ["darkest", "darkest"], ["broken"]),
            helper.make_node("Mul", ["sure", "broken"], ["output"]),
        ]
    else:
        nodes.append(helper.make_node("Mul", ["sure", "factor"], ["output"]))
    graph = helper.make_graph(
        nodes,
        "tagger",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["batch", len(ROWS)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8)
