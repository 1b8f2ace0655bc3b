"""`python -m training.demo STAGE`: make the demo model, one stage at a time or all of them.

Every stage keeps what it has done in `--folder` and goes on from there when started again. The long
ones stop after `--minutes`, with a checkpoint; `all` then stops too, and is simply started again.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from training.demo.lora_stages import LORA_STAGES
from training.demo.stage import Stage
from training.demo.state import State

UNET_SAMPLES: Final = 400_000
CALIBRATION_SAMPLES: Final = 26_000
TAGGER_SAMPLES: Final = 48_000
SHARDS: Final = 2
SQUARE_DRAWINGS: Final = 14_000  # a shard
PORTRAIT_DRAWINGS: Final = 6_000  # a shard: the size that the bot draws unless asked
OTHER_DRAWINGS: Final = 3_000  # a shard and size


def _encoder(state: State, options: argparse.Namespace) -> bool:
    from training.demo.dataset import fit_encoder

    del options
    if not state.encoder.exists():
        print(f"encoder: keeps {fit_encoder(state):.3f} of the weighted variance")
    return True


def _drawings(state: State, options: argparse.Namespace) -> bool:
    from training.demo.dataset import make_drawings

    shards = range(SHARDS) if options.shard is None else [options.shard]
    for shard in shards:
        make_drawings(
            state,
            shard=shard,
            square=SQUARE_DRAWINGS,
            portrait=PORTRAIT_DRAWINGS,
            other=OTHER_DRAWINGS,
        )
    return True


def _unet(state: State, options: argparse.Namespace) -> bool:
    from training.demo.machine import this_machine
    from training.demo.train_unet import train_unet

    samples = options.samples or UNET_SAMPLES
    return train_unet(state, this_machine(), samples=samples, minutes=options.minutes)


def _calibrate(state: State, options: argparse.Namespace) -> bool:
    from training.demo.machine import this_machine
    from training.demo.train_unet import calibrate

    samples = options.samples or CALIBRATION_SAMPLES
    return calibrate(state, this_machine(), samples=samples, minutes=options.minutes)


def _decoder(name: str) -> Stage:
    def stage(state: State, options: argparse.Namespace) -> bool:
        from training.demo.machine import this_machine
        from training.demo.train_decoder import STAGES, train_decoder

        return train_decoder(
            state,
            this_machine(),
            stage=STAGES[name],
            samples=options.samples,
            minutes=options.minutes,
        )

    return stage


def _restore(state: State, options: argparse.Namespace) -> bool:
    from training.demo.machine import this_machine
    from training.demo.restore import restore

    restore(state, this_machine(), model=options.model, seen=options.samples or 0)
    return True


def _average(state: State, options: argparse.Namespace) -> bool:
    from training.demo.average import average

    if options.other is None or not (done := average(state, State(options.other))):
        sys.exit("average: name with --other a second folder that has the same checkpoints.")
    print(f"Averaged {', '.join(done)}")
    return True


def _tagger(state: State, options: argparse.Namespace) -> bool:
    from training.demo.machine import this_machine
    from training.demo.tagger import train_tagger

    samples = options.samples or TAGGER_SAMPLES
    return train_tagger(state, this_machine(), samples=samples, minutes=options.minutes)


def _export(state: State, options: argparse.Namespace) -> bool:
    from training.demo.export import export

    del options
    folder = export(state)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 1e6:.1f} MB")
    return True


def _evaluate(state: State, options: argparse.Namespace) -> bool:
    from training.demo.evaluate import evaluate

    evaluate(
        state,
        count=options.count,
        guidance_scale=options.guidance_scale,
        minutes=options.minutes,
    )
    return True


def _checker(state: State, options: argparse.Namespace) -> bool:
    from training.demo.evaluate import check_the_checker

    del options
    print(check_the_checker(state))
    return True


def _peek(state: State, options: argparse.Namespace) -> bool:
    from training.demo.machine import this_machine
    from training.demo.peek import peek

    peek(state, this_machine(), guidance_scale=options.guidance_scale)
    return True


def _quick(state: State, options: argparse.Namespace) -> bool:
    from training.demo.machine import this_machine
    from training.demo.quick import quick

    scale = options.guidance_scale
    print(quick(state, this_machine(), count=options.count, guidance_scale=scale))
    return True


def _sheets(state: State, options: argparse.Namespace) -> bool:
    from training.demo.sheets import drawing_sheets, model_sheets

    drawing_sheets(options.docs)
    if state.model.exists():
        model_sheets(state, options.docs)
    return True


def _faces(state: State, options: argparse.Namespace) -> bool:
    del state  # no checkpoints
    from training.demo.train_faces import train_faces

    print(train_faces(options.model))
    return True


def _faces_sheet(state: State, options: argparse.Namespace) -> bool:
    del state
    from training.demo.face_sheet import face_sheet

    face_sheet(options.model, options.docs / "faces.jpg")
    return True


def _pairs_check(state: State, options: argparse.Namespace) -> bool:
    from training.demo.check_pairs import check_pairs

    kept = state.folder / "pairs"
    print(check_pairs(options.model, count=options.count, minutes=options.minutes, kept=kept))
    return True


def _pairs_sheet(state: State, options: argparse.Namespace) -> bool:
    from training.demo.sheets import pair_sheet

    del state
    pair_sheet(options.docs)
    return True


STAGES: Final[dict[str, Stage]] = {
    "encoder": _encoder,
    "drawings": _drawings,
    "unet": _unet,
    "decoder-128": _decoder("decoder-128"),
    "decoder-256": _decoder("decoder-256"),
    "decoder-full": _decoder("decoder-full"),
    "calibrate": _calibrate,
    "decoder-tidy": _decoder("decoder-tidy"),
    "tagger": _tagger,
    "export": _export,
    "evaluate": _evaluate,
    "sheets": _sheets,
}
"""In order; `all` runs these."""

CHECKS: Final[dict[str, Stage]] = {"peek": _peek, "quick": _quick, "checker": _checker}
"""Looks in between."""

OTHERS: Final[dict[str, Stage]] = {
    "restore": _restore,
    "average": _average,
    "faces": _faces,
    "faces-sheet": _faces_sheet,
    "pairs-check": _pairs_check,
    "pairs-sheet": _pairs_sheet,
    **LORA_STAGES,
}
"""By name only."""


def main() -> None:
    """The command line."""
    options = _parser().parse_args()
    state = State(options.folder)
    if options.stage != "all":
        finished = (STAGES | CHECKS | OTHERS)[options.stage](state, options)
        if not finished:
            print(f"{options.stage}: not finished; start it again to go on.")
        return
    for name, stage in STAGES.items():
        print(f"== {name}", flush=True)
        if not stage(state, options):
            sys.exit(f"{name}: not finished; start `all` again to go on.")


def _parser() -> argparse.ArgumentParser:
    stages = ["all", *STAGES, *CHECKS, *OTHERS]
    parser = argparse.ArgumentParser(prog="python -m training.demo", description=__doc__)
    parser.add_argument("stage", choices=stages, metavar="STAGE",
                        help=", ".join(stages))  # fmt: skip
    parser.add_argument("--folder", type=Path, default=Path("training-state"),
                        help="where checkpoints are kept (default ./training-state)")  # fmt: skip
    parser.add_argument("--minutes", type=float, default=120, help="most minutes a stage may take")
    parser.add_argument("--samples", type=int,
                        help="samples in all, instead of the stage's own")  # fmt: skip
    parser.add_argument("--model", type=Path, default=Path("data/demo_model"),
                        help="restore, lora: the exported folder")  # fmt: skip
    parser.add_argument("--loras", type=Path, default=Path("data/demo_loras"),
                        help="lora: where the files are")  # fmt: skip
    parser.add_argument("--other", type=Path, help="average: the other folder")
    parser.add_argument("--style", help="lora: only this style")
    parser.add_argument("--shard", type=int, help="drawings: only this shard")
    parser.add_argument("--count", type=int, default=300, help="evaluate, quick: pictures")
    parser.add_argument(
        "--guidance-scale", type=float, default=7.0, help="evaluate, quick, peek: CFG"
    )
    parser.add_argument("--docs", type=Path, default=Path("docs/demo"), help="sheets: where to")
    return parser
