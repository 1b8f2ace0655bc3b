"""The stages that make and check the demo's LoRAs."""

import argparse
import sys
from typing import Final

from training.demo.stage import Stage
from training.demo.state import State

LORA_SAMPLES: Final = 4_800
DRAFT_SAMPLES: Final = 4_800
CHECKER_SAMPLES: Final = 5_120


def _lora(state: State, options: argparse.Namespace) -> bool:
    from training.demo.machine import this_machine
    from training.demo.train_lora import train_lora

    finished = [
        train_lora(
            state,
            this_machine(),
            name=name,
            model=options.model,
            out=options.loras / f"{name}.safetensors",
            samples=options.samples or LORA_SAMPLES,
            minutes=options.minutes,
        )
        for name in _styles(options)
    ]
    return all(finished)


def _draft(state: State, options: argparse.Namespace) -> bool:
    from training.demo.machine import this_machine
    from training.demo.train_draft import NAME, train_draft

    return train_draft(
        state,
        this_machine(),
        model=options.model,
        out=options.loras / f"{NAME}.safetensors",
        samples=options.samples or DRAFT_SAMPLES,
        minutes=options.minutes,
    )


def _lora_checker(state: State, options: argparse.Namespace) -> bool:
    from training.demo.machine import this_machine
    from training.demo.restore import exported_tagger
    from training.demo.tagger import train_tagger

    return train_tagger(
        state,
        this_machine(),
        samples=options.samples or CHECKER_SAMPLES,
        minutes=options.minutes,
        trained=exported_tagger(options.model),
    )


def _lora_check(state: State, options: argparse.Namespace) -> bool:
    from training.demo.check_lora import check_loras
    from training.demo.tagger import load_tagger

    table = check_loras(
        load_tagger(state, styled=True),
        options.model,
        options.loras,
        names=_styles(options),
        count=options.count,
        minutes=options.minutes,
    )
    print(table)
    return True


def _lora_sheets(state: State, options: argparse.Namespace) -> bool:
    from training.demo.sheets import lora_sheets

    del state
    lora_sheets(options.model, options.loras, names=_styles(options), folder=options.docs)
    return True


def _draft_check(state: State, options: argparse.Namespace) -> bool:
    from training.demo.check_draft import check_draft

    del state
    path = options.loras / "draft.safetensors"
    print(check_draft(options.model, path, count=options.count, minutes=options.minutes))
    return True


def _draft_sheet(state: State, options: argparse.Namespace) -> bool:
    from training.demo.sheets import draft_sheet

    del state
    draft_sheet(options.model, options.loras / "draft.safetensors", options.docs)
    return True


def _styles(options: argparse.Namespace) -> list[str]:
    from training.demo.styles import STYLES

    names = list(STYLES) if options.style is None else [options.style]
    if unknown := sorted(set(names) - set(STYLES)):
        sys.exit(f"There is no style {unknown[0]}. There are: {', '.join(STYLES)}.")
    return names


LORA_STAGES: Final[dict[str, Stage]] = {
    "lora": _lora,
    "draft": _draft,
    "lora-checker": _lora_checker,
    "lora-check": _lora_check,
    "lora-sheets": _lora_sheets,
    "draft-check": _draft_check,
    "draft-sheet": _draft_sheet,
}
"""By name."""
