# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""What pictures lose where a model is prepared in fewer bits.

`python -m training.demo.precisions` copies the shipped model with its weights in single precision,
as published models have them, prepares the copy in every variant that this processor runs, draws
the same prompts and seeds with each and prints a table. See `training.demo.savings`.
"""

import argparse
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from data.shipped.paths import DEMO_MODEL
from pipeline.engine.own import OwnEngine
from pipeline.errors import ModelError
from pipeline.load import load_engine
from pipeline.model.folder import COMPONENTS, ModelFolder
from pipeline.model.options import EngineOptions, Variant
from pipeline.onnx.weight_files import SHALLOW_NAME
from pipeline.plan.prepared import check_fit
from pipeline.prepare.options import PrepareOptions, Reporter
from pipeline.prepare.prepare import prepare_model
from pipeline.runtime.cpu import this_cpu
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from training.demo.look import sample_look
from training.demo.savings import SEED, Seen, Way, distance_of, draw, obeyed_colours

VARIANTS: Final[tuple[Variant, ...]] = ("fp32", "bf16", "int8", "int8-bf16")


def in_single_precision(source: Path, target: Path) -> None:
    """Copy a model whose weights are stored in sixteen bits and cast, without the casts."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(SHALLOW_NAME))
    for component in COMPONENTS:
        path = target / component / "model.onnx"
        if path.is_file():
            model = onnx.load(path)
            _widen(model)
            onnx.save(model, path)


def _widen(model: Any) -> None:
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    kept: list[Any] = []
    other: dict[str, str] = {}
    for node in model.graph.node:
        to = [each.i for each in node.attribute if each.name == "to"]
        if node.op_type == "Cast" and node.input[0] in stored and to == [onnx.TensorProto.FLOAT]:
            tensor = stored[node.input[0]]
            values = onnx.numpy_helper.to_array(tensor).astype(np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
            other[node.output[0]] = tensor.name
        else:
            kept.append(node)
    for node in kept:
        for index, name in enumerate(node.input):
            node.input[index] = other.get(name, name)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def table(count: int, folder: Path) -> Iterator[str]:
    """Lines of a Markdown table of `count` prompts. The models are made in `folder`."""
    model = folder / "model"
    in_single_precision(DEMO_MODEL, model)
    yield "| | colours obeyed | distance | the largest |"
    yield "| --- | ---: | ---: | ---: |"
    first: list[NDArray[np.uint8]] = []
    for variant in VARIANTS:
        try:
            check_fit(variant, CPU)
        except ModelError as error:
            yield f"| `{variant}` | {error.data['reason']} | | |"
            continue
        seen = _seen(_engine(model, folder, variant), count, first)
        largest = max(seen.distances)
        yield (
            f"| `{variant}` | {np.mean(seen.obeyed):.3f} | {np.mean(seen.distances):.1f} |"
            f" {largest:.1f} |"
        )


def _engine(model: Path, folder: Path, variant: Variant) -> OwnEngine:
    factory = SessionFactory(provider="cpu", threads=1)
    options = PrepareOptions(variant=variant, full_range=this_cpu().int8_is_safe)
    prepare_model(ModelFolder.open(model), folder, options, factory=factory, report=Reporter())
    loaded = load_engine(
        EngineOptions(model=str(model), models_dir=folder, variant=variant, provider="cpu"),
        progress=lambda _: None,
    )
    engine = getattr(loaded, "engine", loaded)  # without its second pass
    assert isinstance(engine, OwnEngine)
    return engine


def _seen(engine: OwnEngine, count: int, first: list[NDArray[np.uint8]]) -> Seen:
    """`first`: the pictures that others are compared with; empty before the first engine."""
    rng = random.Random(SEED)
    seen = Seen()
    for index in range(count):
        look = sample_look(rng, held_out=True, placards=False)
        picture = np.asarray(draw(engine, look, Way(), seed=SEED + index).convert("RGB"))
        if len(first) == index:
            first.append(picture)
        seen.obeyed += obeyed_colours(look, picture)
        seen.distances.append(distance_of(picture, first[index]))
    engine.close()
    return seen


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.demo.precisions", description=__doc__)
    parser.add_argument("--count", type=int, default=24, help="prompts")
    with TemporaryDirectory(prefix="ekaki-precisions-") as folder:
        for line in table(parser.parse_args().count, Path(folder)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
