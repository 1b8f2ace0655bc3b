# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportArgumentType=false
# (the border to diffusers, transformers, optimum and torch, whose types are partly missing)
"""A random-weight SDXL, exported to ONNX by optimum: everything of the real thing but the weights.

`python -m training.random_model OUT [--kind demo] [--layout today]`. Nothing is downloaded: the
tokenizer is made here as well. The picture it draws is noise; speed, shapes and numerics are real.
"""

import argparse
import contextlib
import io
import json
import logging
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Literal

from training.hollow import export_hollow, hollow_pipeline
from training.layout_2024 import to_layout_2024
from training.random_parts import PIXELS, RECIPES, RandomKind, Recipe, build

Layout = Literal["today", "2024"]

LARGE = frozenset({RandomKind.THIRD, RandomKind.FULL})
"""Kinds that are exported without their weights, which are written afterwards."""

NOTICE = (
    "Random weights: the picture is noise. Fetch a real model with `python -m bot model fetch`."
)


def make_random_model(
    out: Path,
    *,
    kind: RandomKind,
    layout: Layout = "today",
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Path:
    """Make the model folder `out` (replaced if it exists) and return it.

    `layout="2024"` gives the inputs and outputs of exports of early 2024: `timestep` int64 with an
    axis, `vae_encoder` sampling inside the graph. Appears under its name only when complete.
    """
    recipe = RECIPES[kind]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as scratch:
        made = Path(scratch) / "onnx"
        with _quiet():
            progress(f"Making a random SDXL ({kind}) ...")
            if kind in LARGE:
                progress("Exporting it to ONNX, then making its weights, a minute or two ...")
                export_hollow(hollow_pipeline(recipe, Path(scratch)), made, seed)
            else:
                torch_folder = save_in_torch(recipe, Path(scratch), seed)
                progress("Exporting it to ONNX, about 20 s ...")
                _export(torch_folder, made)
        if layout == "2024":
            to_layout_2024(made)
        _restore_sample_size(recipe, made)
        card = {"name": f"random weights ({kind})", "notice": NOTICE}
        (made / "ekaki.json").write_text(json.dumps(card, indent=2), encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    return out


def save_in_torch(recipe: Recipe, folder: Path, seed: int) -> Path:
    """The pipeline in torch, saved below `folder`."""
    import torch

    torch.manual_seed(seed)
    build(recipe, folder).save_pretrained(folder / "torch")
    return folder / "torch"


def _restore_sample_size(recipe: Recipe, made: Path) -> None:
    """Say in the configs what SDXL says: 1024 pixels. The trace's size is no limit."""
    sizes = {
        "unet": PIXELS // recipe.vae_scale_factor,
        "vae_decoder": PIXELS,
        "vae_encoder": PIXELS,
    }
    for component, size in sizes.items():
        path = made / component / "config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        config["sample_size"] = size
        path.write_text(json.dumps(config, indent=2, sort_keys=True), encoding="utf-8")


def _export(source: Path, target: Path) -> None:
    from optimum.exporters.onnx import main_export

    main_export(
        str(source),
        output=str(target),
        task="text-to-image",
        library_name="diffusers",
        dtype="fp32",
        device="cpu",
        do_validation=False,
        no_post_process=True,
        local_files_only=True,
    )


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Without the exporters' chatter, none of which a reader can act on (tracer and deprecation
    warnings, progress of their own); what they printed is shown if they fail."""
    said = io.StringIO()
    bars = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(said),
            contextlib.redirect_stderr(said),
        ):
            warnings.simplefilter("ignore")
            yield
    except BaseException:
        sys.stderr.write(said.getvalue())
        raise
    finally:
        logging.disable(before)
        if bars is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = bars


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.random_model",
        description="Make a random-weight SDXL in ONNX, for the demo and for tests.",
    )
    parser.add_argument("out", type=Path, help="folder to make (replaced if it exists)")
    parser.add_argument("--kind", type=RandomKind, choices=list(RandomKind), default="demo")
    parser.add_argument("--layout", choices=["today", "2024"], default="today")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    started = time.monotonic()

    def show(line: str) -> None:
        print(line, file=sys.__stdout__, flush=True)

    out = make_random_model(
        options.out, kind=options.kind, layout=options.layout, seed=options.seed, progress=show
    )
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    show(f"{out}: {size / 1e6:.1f} MB in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
