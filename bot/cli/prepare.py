"""`model prepare`: adapts the model to this machine."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from bot.cli.shared import load_settings
from bot.common.terminal import note, say

if TYPE_CHECKING:
    from pipeline.model.options import EngineOptions, Variant

DESCRIPTION = (
    "Make from the downloaded model one that this machine runs faster and in less memory: fp32 "
    "(fused attention), fp16 (for NVIDIA cards), int8 (for processors), bf16 or int8-bf16 (for "
    "processors that have bfloat16, with OpenVINO). It is checked against its source before it is "
    "used. Killed or out of disk, it goes on where it was when started again."
)


def add(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the action to `model`."""
    command = actions.add_parser(
        "prepare", help="convert the model for this machine", description=DESCRIPTION
    )
    command.add_argument(
        "--variant",
        choices=["auto", "fp32", "fp16", "int8", "bf16", "int8-bf16"],
        default="auto",
        help="auto (the default) chooses by this machine and a short timing, and says why",
    )
    command.add_argument(
        "--lora",
        metavar="FILE[:STRENGTH]",
        action="append",
        default=[],
        help="merge a LoRA for SDXL (safetensors, of kohya or diffusers); may be repeated",
    )
    command.add_argument(
        "--no-lora",
        action="store_true",
        help="leave out what lets members choose LoRAs for their pictures (it costs little)",
    )
    command.add_argument("--model", help="a folder or OWNER/NAME (default: MODEL of the settings)")
    command.add_argument("--revision", metavar="COMMIT", help="default: MODEL_REVISION")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prepare."""
    from dataclasses import replace

    from bot.config.engine_options import engine_options

    options = engine_options(load_settings(args))
    options = replace(
        options, model=args.model or options.model, revision=args.revision or options.revision
    )
    prepare(options, args.variant, loras=args.lora, branch=not args.no_lora)
    return 0


def prepare(
    options: "EngineOptions",
    variant: 'Literal["auto"] | Variant' = "auto",
    *,
    loras: Sequence[str] = (),
    branch: bool = True,
) -> None:
    """Prepare the model of `options` and print what that changes. Raises EkakiError."""
    from dataclasses import replace

    from tqdm import tqdm

    from pipeline.disk import at
    from pipeline.errors import ModelError
    from pipeline.model.options import is_repository
    from pipeline.model.source import open_source
    from pipeline.plan.prepared import check_fit
    from pipeline.prepare.choose import Choice, choose_here
    from pipeline.prepare.lora.lora import Lora
    from pipeline.prepare.offer import time_machine
    from pipeline.prepare.options import PrepareOptions, Reporter
    from pipeline.prepare.prepare import prepare_model
    from pipeline.runtime.cpu import this_cpu
    from pipeline.runtime.providers import CPU
    from pipeline.runtime.sessions import SessionFactory
    from pipeline.speed.estimate import outlook

    merged = tuple(Lora.parse(typed) for typed in loras)
    source = open_source(options)
    factory = SessionFactory.of(options, mapped=True, reorder=False)
    if variant != "auto":
        choice = Choice(variant=variant, why="asked for")
    else:
        choice = choose_here(
            source,
            options.models_dir,
            factory,
            progress=note,
            may_leave_card=options.provider == "auto",
        )
        if factory.provider != CPU and not choice.on_card:
            on_processor = replace(options, provider="cpu")
            factory = SessionFactory.of(on_processor, mapped=True, reorder=False)
        note(f"Chosen: {choice.variant}, because {choice.why}.")
    check_fit(choice.variant, factory.provider)
    time_machine(options, progress=note)

    def made_as(name: "Variant", why: str) -> str:
        for line in outlook(options, source, factory, name):
            note(line)
        prepare = PrepareOptions(
            variant=name,
            loras=merged,
            branch=branch,
            full_range=this_cpu().int8_is_safe,
            revision=options.revision if is_repository(options.model) else "",
            why=why,
        )
        with tqdm(unit="B", unit_scale=True, disable=None, leave=False) as bar:

            def written(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            report = Reporter(line=note, written=written)
            with at(options.models_dir):
                made = prepare_model(
                    source, options.models_dir, prepare, factory=factory, report=report
                )
        return str(made.path)

    try:
        path = made_as(choice.variant, choice.why)
    except ModelError as error:
        if error.key != "prepare_check_failed" or choice.otherwise is None:
            raise
        note(f"With this model {choice.variant} is too inexact, so {choice.otherwise} is made.")
        why = f"{choice.why}; with this model {choice.variant} is too inexact"
        path = made_as(choice.otherwise, why)
    say(path)
