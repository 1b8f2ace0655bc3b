# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false
# (the border to diffusers, optimum, onnx and torch, whose types are partly missing)
"""Exports a model whose weights would not fit into memory: without them. They are made afterwards,
one tensor at a time, each from the seed and its name.

The parameters of the hollow model have their shapes and a single number each, so tracing takes what
a forward pass takes. The graph is the one that an export with weights gives.
"""

import contextlib
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final
from unittest import mock

import numpy as np
import numpy.typing as npt

from training.random_parts import Recipe, build, unet

_Parameter = tuple[str, Any, str, Any]
"""Its whole name, the module that has it, its key there, and itself."""

Floats = npt.NDArray[np.float32]

_DATA: Final = "model.onnx_data"
_INLINE_BYTES: Final = 1024  # what ONNX's own tools keep in the graph
_TABLE_SPREAD: Final = 0.17
"""Of the tables of tokens and places: words differ visibly, as trained ones do."""


def values(seed: int, name: str, shape: tuple[int, ...]) -> Floats:
    """The parameter `name`: torch's own way of beginning, always the same for a seed."""
    if len(shape) < 2:
        return np.full(shape, 1.0 if name.endswith("weight") else 0.0, np.float32)
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    table = "embedding.weight" in name
    bound = _TABLE_SPREAD if table else float(np.prod(shape[1:])) ** -0.5
    made = random.random(shape, np.float32)
    made -= np.float32(0.5)
    made *= np.float32(2 * bound)
    return made


def hollow_pipeline(recipe: Recipe, folder: Path) -> Any:
    """The pipeline of `recipe` without memory for its weights."""
    import torch

    with torch.device("meta"):
        pipeline = build(recipe, folder)
    for module in _modules(pipeline):
        _give_single_numbers(module)
    return pipeline


def hollow_unet(recipe: Recipe) -> Any:
    """The UNet alone, without memory for its weights."""
    import torch

    with torch.device("meta"):
        made = unet(recipe)
    _give_single_numbers(made)
    return made


def fill_in_torch(module: Any, *, seed: int, dtype: Any) -> None:
    """Give the hollow torch module `module` its weights, of torch's type `dtype`: the same as
    `fill` gives the graph's."""
    import torch

    for name, owner, key, parameter in _parameters(module):
        made = torch.from_numpy(values(seed, name, tuple(parameter.shape))).to(dtype)
        owner.register_parameter(key, torch.nn.Parameter(made, requires_grad=False))


def export_hollow(pipeline: Any, out: Path, seed: int) -> None:
    """Export the hollow `pipeline` with optimum and write weights beside the graphs."""
    from optimum.exporters.onnx import onnx_export_from_model

    with _weights_outside():
        onnx_export_from_model(
            pipeline,
            out,
            task="text-to-image",
            do_validation=False,
            no_post_process=True,
        )
    modules = {
        "text_encoder": pipeline.text_encoder,
        "text_encoder_2": pipeline.text_encoder_2,
        "unet": pipeline.unet,
        "vae_decoder": pipeline.vae,
        "vae_encoder": pipeline.vae,
    }
    for component, module in modules.items():
        fill(out / component, module, seed)


def fill(folder: Path, module: Any, seed: int) -> None:
    """Write the weights that the graph in `folder` has as inputs, made from `seed`."""
    import onnx

    model = onnx.load(folder / "model.onnx", load_external_data=False)
    graph = model.graph
    buffers = {name: buffer.numpy() for name, buffer in module.named_buffers()}
    known = {name for name, *_ in _parameters(module)} | set(buffers)
    shapes = {
        value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim)
        for value in graph.input
        if value.name in known
    }
    turned = _turn(graph, shapes)
    _name_layers(graph, turned)
    with (folder / _DATA).open("wb") as file:
        for name, shape in shapes.items():
            made = buffers[name] if name in buffers else values(seed, name, shape)
            for target, turn in turned[name]:
                graph.initializer.append(
                    _write(file, target, np.ascontiguousarray(made.T if turn else made))
                )
    kept = [value for value in graph.input if value.name not in shapes]
    del graph.input[:]
    graph.input.extend(kept)
    del graph.value_info[:]
    onnx.save(model, folder / "model.onnx")


def _turn(graph: Any, shapes: dict[str, tuple[int, ...]]) -> dict[str, list[tuple[str, bool]]]:
    """Take away the Transpose of each weight. Says under which names it is written, and turned."""
    written: dict[str, list[tuple[str, bool]]] = {name: [] for name in shapes}
    straight: set[str] = set()
    gone: list[Any] = []
    for node in graph.node:
        if node.op_type == "Transpose" and node.input[0] in shapes:
            gone.append(node)
            written[node.input[0]].append((node.output[0], True))
        else:
            straight.update(name for name in node.input if name in shapes)
    for node in gone:
        graph.node.remove(node)
    for name in straight:
        written[name].append((name, False))
    return written


def _name_layers(graph: Any, turned: dict[str, list[tuple[str, bool]]]) -> None:
    """Name each linear layer's node by its module, as an export with weights does: a LoRA's layers
    are found by that."""
    modules = {
        target: name.removesuffix(".weight")
        for name, targets in turned.items()
        for target, turn in targets
        if turn
    }
    for node in graph.node:
        if node.op_type == "MatMul" and node.input[1] in modules:
            node.name = f"/{modules[node.input[1]].replace('.', '/')}/MatMul"


def _write(file: Any, name: str, content: Any) -> Any:
    """The tensor as it stands in the graph: small ones whole, others as a place in `file`."""
    import onnx

    if content.nbytes < _INLINE_BYTES:
        return onnx.numpy_helper.from_array(content, name)
    tensor = onnx.TensorProto()
    tensor.name = name
    tensor.dims.extend(content.shape)
    tensor.data_type = onnx.helper.np_dtype_to_tensor_dtype(content.dtype)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    place = {"location": _DATA, "offset": file.tell(), "length": content.nbytes}
    for key, value in place.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, str(value)
    file.write(content.data)
    return tensor


@contextlib.contextmanager
def _weights_outside() -> Generator[None]:
    """Let torch's exporter see parameters as inputs of the graph, under their names.

    What it knows to be parameters it copies, all together, to find the shapes of what follows.
    """
    import torch
    from optimum.exporters.onnx.base import OnnxConfig

    whole = torch.onnx.export

    def without(model: Any, args: tuple[dict[str, Any]], **options: Any) -> Any:
        inputs = options.pop("input_names")
        parameters = list(_parameters(model))
        given, form = torch.utils._pytree.tree_flatten(args[0])
        # bare tensors: the exporter copies what it is given, a Parameter with all its numbers
        tensors = (*(found[3].data for found in parameters), *given)
        names = [*(found[0] for found in parameters), *inputs]
        return whole(_opened(model, parameters, form), tensors, input_names=names, **options)

    with (
        mock.patch.object(torch.onnx, "export", without),
        # names the axes of outputs by running the graph, which has no weights yet
        mock.patch.object(OnnxConfig, "fix_dynamic_axes"),
    ):
        yield


def _opened(model: Any, parameters: list[_Parameter], form: Any) -> Any:
    """A module that takes the parameters of `model`, then its inputs, flattened from `form`."""
    import torch

    class Opened(torch.nn.Module):
        def forward(self, *tensors: Any) -> Any:
            for (_, owner, key, _), given in zip(parameters, tensors, strict=False):
                owner._parameters[key] = given
            answer = model(**form.unflatten(tensors[len(parameters) :]))
            for _, owner, key, own in parameters:
                owner._parameters[key] = own
            return answer

    return Opened().eval()


def _modules(pipeline: Any) -> tuple[Any, ...]:
    return pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2


def _give_single_numbers(module: Any) -> None:
    """Parameters become one number each, seen in the whole shape; no two the same, since the
    exporter shares what is equal. Buffers are CLIP's places."""
    import torch

    for index, (_, owner, key, parameter) in enumerate(_parameters(module)):
        number = torch.full((1,), 1e-6 * (index + 1)).expand(parameter.shape)
        owner.register_parameter(key, torch.nn.Parameter(number, requires_grad=False))
    for owner in module.modules():
        for key, buffer in list(owner.named_buffers(recurse=False)):
            assert key == "position_ids", key
            owner.register_buffer(
                key, torch.arange(buffer.shape[-1]).expand(buffer.shape).contiguous()
            )


def _parameters(module: Any) -> Iterator[_Parameter]:
    for prefix, owner in list(module.named_modules()):
        for key, parameter in list(owner.named_parameters(recurse=False)):
            yield f"{prefix}.{key}" if prefix else key, owner, key, parameter
