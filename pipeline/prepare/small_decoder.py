# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (the border to onnx, whose types are partly missing)
"""Makes the ONNX graph of a small decoder from the weights of diffusers' `AutoencoderTiny`.

The small decoder (TAESD) is a few convolutions that were trained to give nearly the picture of the
VAE, in a twentieth of the operations. It takes latents as the UNet has them, with no scaling.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipeline.disk import at
from pipeline.engine.noise.torch_noise import TorchGenerator
from pipeline.engine.vae.small import SmallDecoder
from pipeline.errors import EkakiError, ModelError
from pipeline.model.configs import Json, items, number, read_json, text, whole
from pipeline.model.folder import SMALL_DECODER, ModelFolder
from pipeline.onnx.library import onnx
from pipeline.onnx.weight_files import GRAPH_NAME
from pipeline.prepare.lora.tensors import TensorFile
from pipeline.runtime.sessions import SessionFactory

WEIGHTS: Final = "diffusion_pytorch_model.safetensors"
CONFIG: Final = "config.json"

REPOSITORY: Final = "madebyollin/taesdxl"
REVISION: Final = "b581b405a4be617b15c80368c62b65c2fea5495d"
LICENCE: Final = "MIT"
SIZE_BYTES: Final = 9_793_292
HASHES: Final = {
    CONFIG: "",
    WEIGHTS: "0070e0bf1b85d84c836ebb0dc0d8a69200de91aa1a2a726efdb5153e810a27e6",
}
"""TAESDXL 1.2, as the hub's page of that commit shows it."""

_CLASS: Final = "AutoencoderTiny"
_OPSET: Final = 17
_TRIAL_SIDE: Final = 8  # latent pixels


def add_small_decoder(folder: ModelFolder, weights: Path, factory: SessionFactory) -> Path:
    """Export the decoder in `weights` (a folder with WEIGHTS and CONFIG) into the model `folder`,
    replacing an earlier one, after it decoded something. Returns its folder.

    Raises ModelError `small_decoder_unfit`, StorageError.
    """
    part = folder.path / f".{SMALL_DECODER}.part"
    target = folder.path / SMALL_DECODER
    with at(folder.path):
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            _export(weights, part, folder)
            try_small_decoder(folder, part / GRAPH_NAME, factory)
            shutil.rmtree(target, ignore_errors=True)
            part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return target


def check_fits(folder: ModelFolder) -> None:
    """ModelError `small_decoder_unfit` unless TAESDXL decodes latents of this kind."""
    _check({"_class_name": _CLASS}, folder)


def carry_over(source: ModelFolder, target: Path) -> None:
    """Copy the small decoder of `source`, if it has one, into a folder that is made from it."""
    if source.small_decoder is not None:
        shutil.copytree(source.small_decoder.parent, target / SMALL_DECODER, dirs_exist_ok=True)


def _export(weights: Path, part: Path, folder: ModelFolder) -> None:
    config = read_json(weights / CONFIG)
    _check(config, folder)
    try:
        model = _Graph(TensorFile(weights / WEIGHTS), config).model()
    except ModelError as error:  # its text is about LoRAs
        raise _unfit(str(error.data.get("problem", error.key))) from error
    except (KeyError, TypeError, ValueError) as error:
        raise _unfit(f"its weights are not those of its configuration ({error})") from error
    onnx.save(model, str(part / GRAPH_NAME))
    (part / CONFIG).write_text(json.dumps(dict(config), indent=2), encoding="utf-8")


def _check(config: Json, folder: ModelFolder) -> None:
    """ModelError unless it decodes latents of the model's kind."""
    kind = str(config.get("_class_name"))
    if kind != _CLASS:
        raise _unfit(f"it is a {kind}, not an {_CLASS}")
    channels = whole(config, "latent_channels", 4)
    if channels != folder.latent_channels:
        raise _unfit(f"it has {channels} latent channels, the model {folder.latent_channels}")
    factor = small_factor(config)
    if factor != folder.vae_scale_factor:
        raise _unfit(f"it enlarges {factor} times, the model's VAE {folder.vae_scale_factor} times")
    odd = [
        text(config, "act_fn", "relu") != "relu",
        text(config, "upsample_fn", "nearest") != "nearest",
        number(config, "scaling_factor", 1.0) != 1,
        number(config, "shift_factor", 0.0) != 0,
        whole(config, "out_channels", 3) != 3,
    ]
    if any(odd):
        raise _unfit("its configuration has options that no TAESD has")


def small_factor(config: Json) -> int:
    """How many pixels a latent pixel becomes, on each side."""
    blocks: Sequence[Any] = items(config, "num_decoder_blocks") or (3, 3, 3, 1)
    return whole(config, "upsampling_scaling_factor", 2) ** (len(blocks) - 1)


def try_small_decoder(folder: ModelFolder, graph: Path, factory: SessionFactory) -> None:
    """Raises ModelError `small_decoder_unfit` unless `graph` makes a picture of the right size of
    latents of the model `folder`."""
    shape = (1, folder.latent_channels, _TRIAL_SIDE, _TRIAL_SIDE)
    try:
        decoder = SmallDecoder(folder, factory.open_small(graph))
        pixels = decoder.decode(TorchGenerator(0).randn(*shape))
    except EkakiError as error:
        raise _unfit(str(error.data.get("problem", error.key))) from error
    side = _TRIAL_SIDE * folder.vae_scale_factor
    if pixels.shape != (1, 3, side, side) or not np.isfinite(pixels).all():
        raise _unfit("it makes no picture")


def _unfit(problem: str) -> ModelError:
    return ModelError("small_decoder_unfit", problem=problem)


class _Graph:
    """Builds `DecoderTiny`, layer by layer, with the weights' own names."""

    def __init__(self, weights: TensorFile, config: Json) -> None:
        self._weights = weights
        self._config = config
        self._nodes: list[Any] = []
        self._stored: list[Any] = []

    def model(self) -> Any:
        """An `onnx.ModelProto`: `latent_sample` (rows, channels, h, w) to `sample` (rows, 3, ...),
        from -1 to 1."""
        blocks = [int(each) for each in items(self._config, "num_decoder_blocks") or (3, 3, 3, 1)]
        last = len(blocks) - 1
        # As diffusers: tanh keeps what is far outside, and 0..1 becomes -1..1 at the end.
        value = self._scaled("latent_sample", "Div", 3.0, "third")
        value = self._node("Mul", [self._node("Tanh", [value]), self._constant(3.0, "three")])
        value = self._node("Relu", [self._convolution("decoder.layers.0", value)])
        layer = 2
        for index, count in enumerate(blocks):
            for _ in range(count):
                value = self._block(f"decoder.layers.{layer}", value)
                layer += 1
            if index != last:
                value = self._enlarged(value)
                layer += 1
            value = self._convolution(f"decoder.layers.{layer}", value)
            layer += 1
        value = self._scaled(value, "Mul", 2.0, "two")
        self._node("Sub", [value, self._constant(1.0, "one")], "sample")
        return self._finished()

    def _finished(self) -> Any:
        helper, kind = onnx.helper, onnx.TensorProto.FLOAT
        channels = whole(self._config, "latent_channels", 4)
        given = helper.make_tensor_value_info(
            "latent_sample", kind, ["batch", channels, "height", "width"]
        )
        made = helper.make_tensor_value_info("sample", kind, ["batch", 3, "tall", "wide"])
        graph = helper.make_graph(self._nodes, "small_decoder", [given], [made], self._stored)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8
        )
        model.producer_name = "ekaki"
        onnx.checker.check_model(model)
        return model

    def _block(self, name: str, value: str) -> str:
        inner = self._node("Relu", [self._convolution(f"{name}.conv.0", value)])
        inner = self._node("Relu", [self._convolution(f"{name}.conv.2", inner)])
        inner = self._convolution(f"{name}.conv.4", inner)
        return self._node("Relu", [self._node("Add", [inner, value])])

    def _convolution(self, name: str, value: str) -> str:
        known = set(self._weights)
        names = [f"{name}.{each}" for each in ("weight", "bias") if f"{name}.{each}" in known]
        if not names or not names[0].endswith(".weight"):
            raise ValueError(f"{name} is missing")
        for each in names:
            self._store(self._weights.read(each), each)
        return self._node("Conv", [value, *names], kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    def _enlarged(self, value: str) -> str:
        factor = float(whole(self._config, "upsampling_scaling_factor", 2))
        scales = self._store(np.array([1, 1, factor, factor], np.float32), "scales")
        return self._node(
            "Resize",
            [value, "", scales],
            mode="nearest",
            nearest_mode="floor",
            coordinate_transformation_mode="asymmetric",
        )

    def _scaled(self, value: str, kind: str, by: float, name: str) -> str:
        return self._node(kind, [value, self._constant(by, name)])

    def _constant(self, value: float, name: str) -> str:
        return self._store(np.array(value, np.float32), name)

    def _store(self, values: Any, name: str) -> str:
        if all(each.name != name for each in self._stored):
            self._stored.append(onnx.numpy_helper.from_array(values, name))
        return name

    def _node(self, kind: str, inputs: list[str], output: str = "", **how: Any) -> str:
        made = output or f"value_{len(self._nodes)}"
        self._nodes.append(onnx.helper.make_node(kind, inputs, [made], name=made, **how))
        return made
