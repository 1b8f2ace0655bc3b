# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# pyright: reportPrivateImportUsage=false, reportArgumentType=false
# (the border to diffusers, onnx and optimum, whose types are partly missing)
"""Stage `export`: checkpoints to a diffusers folder, to ONNX by optimum; weights stored in half
precision.

Sessions compute in float32: a Cast stands behind each weight. The linear encoder becomes a real
`vae_encoder`.
"""

import json
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from diffusers import EulerAncestralDiscreteScheduler, StableDiffusionXLPipeline
from onnx import TensorProto, helper, numpy_helper

from pipeline.engine.vae.preview import FILE_NAME, PreviewMap
from pipeline.model.folder import ModelFolder
from training.demo.branch import give_branch
from training.demo.decoder import Decoder, as_autoencoder
from training.demo.latents import CELL, CHANNELS, PATCH, LinearEncoder
from training.demo.state import State
from training.demo.tagger import export_tagger
from training.demo.text_encoders import build_encoders
from training.demo.tokens import build_tokenizer
from training.demo.unet import SCHEDULER, make_unet, point_at

_TRACED = 5
"""Latent pixels while tracing: odd, so that no size is taken for a constant; few, to be quick."""
_SMALL = 256  # tensors of fewer numbers stay as they are
_NOTICE = "Tiny demo model"


def export(state: State) -> Path:
    """Make `state.model` (replaced if it exists) from the newest checkpoints."""
    with tempfile.TemporaryDirectory(dir=state.folder, prefix=".export-") as scratch:
        source, made = Path(scratch) / "torch", Path(scratch) / "onnx"
        _pipeline(state, Path(scratch) / "tokenizer").save_pretrained(source)
        _sample_size(source, _TRACED)
        _optimum(source, made)
        _sample_size(made, 1024 // CELL)
        for part in ("text_encoder", "text_encoder_2", "unet", "vae_decoder"):
            _halve(made / part / "model.onnx")
        give_branch(made)
        _linear_encoder(LinearEncoder.load(state.encoder), made / "vae_encoder" / "model.onnx")
        _forget_folder(made / "model_index.json")
        card = {
            "name": "Ekaki demo",
            "notice": _NOTICE,
            # A latent pixel of this model holds lines: enlarged itself, it doubles them, and where
            # more than a tenth is drawn anew, a second face appears.
            "upscale_strength": 0.1,
            "upscale_pixels": True,
        }
        (made / "ekaki.json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        _preview_map(LinearEncoder.load(state.encoder), made)
        if state.tagger.exists():
            export_tagger(state, made / "tagger")
            _halve(made / "tagger" / "model.onnx")
        if state.model.exists():
            shutil.rmtree(state.model)
        made.rename(state.model)
    return state.model


def _pipeline(state: State, tokenizer_folder: Path) -> Any:
    torch.set_num_threads(1)
    unet = make_unet().eval()
    newest = state.calibrated if state.calibrated.exists() else state.unet
    point_at(unet, torch.load(newest, map_location="cpu")["average"])
    decoder = Decoder()
    decoder.load_state_dict(torch.load(state.decoder, map_location="cpu")["decoder"])
    tokenizer, meanings = build_tokenizer(tokenizer_folder)
    first, second = build_encoders(tokenizer, meanings)
    return StableDiffusionXLPipeline(
        vae=as_autoencoder(decoder),
        text_encoder=first,
        text_encoder_2=second,
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=unet,
        scheduler=EulerAncestralDiscreteScheduler(**SCHEDULER),
        force_zeros_for_empty_prompt=True,
        add_watermarker=False,
    )


def _optimum(source: Path, made: Path) -> None:
    from optimum.exporters.onnx import main_export

    with _small_traces():
        main_export(
            str(source),
            output=str(made),
            task="text-to-image",
            library_name="diffusers",
            dtype="fp32",
            device="cpu",
            do_validation=False,
            no_post_process=True,
            local_files_only=True,
        )


@contextmanager
def _small_traces() -> Generator[None]:
    """Trace the VAE's decoder at few latent pixels.

    optimum takes 64 x 64 whatever the model: 4096 pixels a side at factor 64, and 7 GB.
    """
    from optimum.exporters.onnx.model_configs import VaeDecoderOnnxConfig
    from optimum.utils import DummyVisionInputGenerator

    class FewLatents(DummyVisionInputGenerator):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **(named | {"width": _TRACED, "height": _TRACED}))

    before = VaeDecoderOnnxConfig.DUMMY_INPUT_GENERATOR_CLASSES
    VaeDecoderOnnxConfig.DUMMY_INPUT_GENERATOR_CLASSES = (FewLatents,)
    try:
        yield
    finally:
        VaeDecoderOnnxConfig.DUMMY_INPUT_GENERATOR_CLASSES = before


def _sample_size(folder: Path, size: int) -> None:
    """Say in the configurations how large pictures are, in latent pixels: what tracing uses."""
    for part, factor in (("unet", 1), ("vae", CELL), ("vae_encoder", CELL), ("vae_decoder", CELL)):
        path = folder / part / "config.json"
        if path.exists():
            config = json.loads(path.read_text(encoding="utf-8"))
            config["sample_size"] = size * factor
            config.pop("_name_or_path", None)  # a folder of this machine
            path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _forget_folder(path: Path) -> None:
    """Drop the name of the folder on this machine that the pipeline was loaded from."""
    index = json.loads(path.read_text(encoding="utf-8"))
    index.pop("_name_or_path", None)
    path.write_text(json.dumps(index, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _halve(path: Path) -> None:
    """Store weights as float16 with a Cast to float32 behind each."""
    model = onnx.load(path)
    casts: list[Any] = []
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= _SMALL:
            name = tensor.name
            half = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half, f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _preview_map(encoder: LinearEncoder, made: Path) -> None:
    """Ship the bot's map from latents to small pictures: it is known here, and else the first
    preview would fit one and keep it in the package."""
    weights = np.vstack([encoder.decode, encoder.mean])  # (channels + 1, y * x * colour)
    weights = weights.reshape(-1, PATCH, PATCH, 3).transpose(0, 3, 1, 2)
    shipped = PreviewMap(weights=weights.reshape(len(weights), -1), patch=PATCH)
    shipped.save(made / FILE_NAME, model_hash=ModelFolder.open(made).content_hash)


def _linear_encoder(encoder: LinearEncoder, path: Path) -> None:
    """An average over 8 x 8 pixels, then one convolution: mean and log variance (-30: none)."""
    traced = onnx.load(path, load_external_data=False)
    taken, given = traced.graph.input[0], traced.graph.output[0]
    kernel = encoder.encode.T.reshape(CHANNELS, PATCH, PATCH, 3).transpose(0, 3, 1, 2)
    weight = np.concatenate([kernel, np.zeros_like(kernel)]).astype(np.float32)
    offset = -encoder.mean @ encoder.encode
    bias = np.concatenate([offset, np.full(CHANNELS, -30.0)]).astype(np.float32)
    sides: dict[str, Any] = {"kernel_shape": [PATCH, PATCH], "strides": [PATCH, PATCH]}
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", [taken.name], ["small"], **sides),
            helper.make_node("Conv", ["small", "weight", "bias"], [given.name], **sides),
        ],
        "linear_encoder",
        [taken],
        [given],
        [
            numpy_helper.from_array(np.ascontiguousarray(weight), "weight"),
            numpy_helper.from_array(bias, "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = min(traced.ir_version, 10)
    onnx.checker.check_model(model)
    for old in path.parent.glob("*.onnx*"):
        old.unlink()
    onnx.save(model, path)
