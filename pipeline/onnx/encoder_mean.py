"""Makes a VAE encoder that samples inside its graph (exports of 2024) return the mean.

Random numbers drawn by ONNX Runtime don't follow our seeds, so the same request would give another
picture each time. The posterior's variance is tiny, so the mean loses nothing.
"""

from pathlib import Path
from typing import Any

from pipeline.errors import ModelError
from pipeline.onnx.library import onnx

SAMPLED: str = "latent_sample"
"""The output of such a graph: mean + standard deviation * noise."""


def with_mean_output(path: Path) -> bytes | None:
    """The graph of `path`, its output `latent_sample` being the mean; without external data.

    None if it is already the mean. Raises ModelError `model_unreadable` if the output is not a sum
    of something and noise.
    """
    model = onnx.load(str(path), load_external_data=False)
    return bytes(model.SerializeToString()) if cut_at_mean(model) else None


def cut_at_mean(model: Any) -> bool:
    """Change an `onnx.ModelProto` like that; False if it draws no random numbers."""
    graph = model.graph
    makers = {name: node for node in graph.node for name in node.output}
    if SAMPLED in makers and not _is_random(SAMPLED, makers):
        return False
    total = makers.get(SAMPLED)
    while total is not None and total.op_type in {"Cast", "Identity"}:
        total = makers.get(total.input[0])
    if total is None or total.op_type != "Add":
        raise _unfit("its output is no sum")
    quiet = [name for name in total.input if not _is_random(name, makers)]
    if len(quiet) != 1:
        raise _unfit("its noise was not found")
    last = makers[SAMPLED]
    graph.node.remove(last)
    graph.node.append(onnx.helper.make_node("Identity", [quiet[0]], [SAMPLED]))
    del graph.value_info[:]
    return True


def _is_random(name: str, makers: dict[str, Any]) -> bool:
    """Whether anything that `name` is computed from draws random numbers."""
    waiting, seen = [name], {name}
    while waiting:
        node = makers.get(waiting.pop())
        if node is None:
            continue
        if node.op_type.startswith("Random"):
            return True
        for source in node.input:
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return False


def _unfit(problem: str) -> ModelError:
    return ModelError("model_unreadable", name="vae_encoder", problem=problem)
