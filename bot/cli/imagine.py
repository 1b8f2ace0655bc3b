"""`imagine`: draws pictures without Discord. Only the options; the work is in `drawing`."""

import argparse
from pathlib import Path

from bot.cli.shared import Subparsers, load_settings
from pipeline.options import Option, read_choice
from pipeline.rating import Rating
from pipeline.request import OPTIONS, GenerationRequest

MAX_RATING = Rating.SENSITIVE  # higher ones stay off until an output check exists

_OFFERED = [each for each in OPTIONS if each.field not in {"prompt", "private", "strength"}]
_WITHHELD = {each.label for each in Rating if each > MAX_RATING}
_LETTERS = {str: "TAGS", int: "N", float: "X"}
_METAVARS = {"aspect": "W:H", "lora": "NAME:X"}
_HELP = {
    "aspect": "13:19, portrait, 832x1216, ...",
    "lora": "LoRAs of the library (lora list), as in ink:0.8,other",
    "guidance_scale": "5 to 7 is advised",
    "seed": "-1 is random",
    "count": "pictures, 1 to 4",
    "faces": "draw small faces again, larger",
}


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "imagine",
        help="draw a picture from a prompt",
        description="Draw pictures from Danbooru tags, with the same pipeline as in Discord.",
    )
    command.add_argument("prompt", metavar="PROMPT", help='such as "1girl, smile, night sky"')
    _add_requests(command)
    command.add_argument("--model", help="a folder or OWNER/NAME (default: MODEL)")
    command.add_argument("--engine", choices=("own", "stock"), help="default: ENGINE")
    command.add_argument(
        "--out", type=Path, default=Path("picture.png"), metavar="FILE", help="a PNG file; with "
        "--count several: FILE-1.png and so on (default: picture.png)",
    )  # fmt: skip
    command.add_argument("--force", action="store_true", help="replace files that exist")
    command.set_defaults(run=run)


def _add_requests(command: argparse.ArgumentParser) -> None:
    for option in _OFFERED:
        if option.kind is bool:
            command.add_argument(
                f"--{_word(option)}",
                dest=option.field,
                action="store_true",
                default=None,
                help=_HELP.get(option.field),
            )
            continue
        offered = [each for each in option.words if each not in _WITHHELD]
        command.add_argument(
            f"--{_word(option)}",
            dest=option.field,
            choices=offered or None,
            type=str if offered else option.kind,
            metavar=None if offered else _METAVARS.get(option.field, _LETTERS[option.kind]),
            help=_HELP.get(option.field),
        )


def _word(option: Option) -> str:
    """As in Discord, unless its flags in a prompt have another name."""
    return option.name if option.name in option.flags or not option.flags else option.flags[0]


def request_of(args: argparse.Namespace) -> GenerationRequest:
    """The request that the options describe."""
    said = {each: getattr(args, each.field) for each in _OFFERED}
    return GenerationRequest(
        prompt=args.prompt,
        **{
            each.field: read_choice(each.kind, value) if each.choices else value
            for each, value in said.items()
            if value is not None
        },
    )


def run(args: argparse.Namespace) -> int:
    """Draw."""
    settings = load_settings(args)

    from dataclasses import replace

    from bot.cli import drawing

    if args.model is not None:
        settings = replace(settings, model=args.model)
    if args.engine is not None:
        settings = replace(settings, engine=args.engine)
    return drawing.draw(
        request_of(args), settings, out=args.out, force=args.force, ceiling=MAX_RATING
    )
