# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose types are partly missing)
"""Adds the low-rank branch for LoRAs, and the shallow graph for `speed: balanced`, to an exported
model, whose weights stay inside its graphs.

`python -m training.demo.branch FOLDER` does it to a model that was exported without them, as the
shipped one was. Others get theirs from `model prepare`, whose branch covers convolutions as well:
the demo has no LoRA that changes any, and its graph stays small.
"""

import argparse
import json
from pathlib import Path

import onnx

from pipeline.engine.vae.preview import FILE_NAME
from pipeline.model.configs import read_json, up_layers
from pipeline.model.folder import ModelFolder
from pipeline.onnx.branch import add_branch, remove_branch
from pipeline.onnx.linear import linear_layers
from pipeline.onnx.shallow import give_deep_features, write_shallow
from pipeline.prepare.convert import WITH_LORAS


def give_branch(folder: Path) -> int:
    """Add it to UNet and text encoders of `folder`. Returns how many layers have it."""
    count = 0
    for part in sorted(WITH_LORAS):
        path = folder / part / "model.onnx"
        model = onnx.load(path)
        remove_branch(model)
        stored = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
        if part == "unet":
            give_deep_features(model, up_layers(read_json(path.with_name("config.json"))), stored)
        count += add_branch(model, list(linear_layers(model)), stored)
        onnx.checker.check_model(model)
        onnx.save(model, path)
    write_shallow(folder / "unet" / "model.onnx")
    return count


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.demo.branch", description=__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    print(f"{give_branch(folder)} layers can have a LoRA now")
    # The map of previews is only used for the model it names, and that has a new hash now.
    preview = folder / FILE_NAME
    kept = json.loads(preview.read_text(encoding="utf-8"))
    preview.write_text(json.dumps(kept | {"model": ModelFolder.open(folder).content_hash}), "utf-8")


if __name__ == "__main__":
    main()
