"""`imagine`: a prompt becomes pictures without Discord. The options; the work is in `drawing`."""

import argparse
from pathlib import Path

from bot.cli.shared import Subparsers, load_settings
from pipeline.card import Aesthetic, QualityPreset, Sampler, Style, Year
from pipeline.rating import Rating
from pipeline.request import GenerationRequest

MAX_RATING = Rating.SENSITIVE  # higher ones stay off until an output check exists


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = subparsers.add_parser(
        "imagine",
        help="draw a picture from a prompt",
        description="Draw pictures from Danbooru tags, with the same pipeline as in Discord.",
    )
    command.add_argument("prompt", metavar="PROMPT", help='such as "1girl, smile, night sky"')
    _add_wishes(command)
    command.add_argument("--model", help="a folder or OWNER/NAME (default: MODEL)")
    command.add_argument("--engine", choices=("own", "stock"), help="default: ENGINE")
    command.add_argument(
        "--out", type=Path, default=Path("picture.png"), metavar="FILE", help="a PNG file; with "
        "--count several: FILE-1.png and so on (default: picture.png)",
    )  # fmt: skip
    command.add_argument("--force", action="store_true", help="replace files that exist")
    command.set_defaults(run=run)


def _add_wishes(command: argparse.ArgumentParser) -> None:
    for name in ("negative", "character", "series", "tags"):
        command.add_argument(f"--{name}", default="", metavar="TAGS")
    command.add_argument("--aspect", metavar="W:H", help="13:19, portrait, 832x1216, ...")
    ratings = [each.label for each in Rating if each <= MAX_RATING]
    command.add_argument("--rating", choices=ratings)
    command.add_argument("--preset", choices=[str(each) for each in QualityPreset])
    command.add_argument("--style", choices=[str(each) for each in Style])
    command.add_argument("--year", choices=[str(each) for each in Year])
    command.add_argument("--aesthetic", choices=[str(each) for each in Aesthetic])
    command.add_argument("--sampler", choices=[str(each) for each in Sampler])
    command.add_argument("--steps", type=int, metavar="N")
    command.add_argument("--cfg", type=float, metavar="X", help="5 to 7 is advised")
    command.add_argument("--seed", type=int, metavar="N", help="-1 is random")
    command.add_argument("--count", type=int, metavar="N", help="pictures, 1 to 4")


def request_of(args: argparse.Namespace) -> GenerationRequest:
    """The wish that the options say."""
    return GenerationRequest(
        prompt=args.prompt,
        negative_prompt=args.negative,
        character=args.character,
        series=args.series,
        tags=args.tags,
        aspect=args.aspect,
        rating=None if args.rating is None else Rating.from_label(args.rating),
        preset=None if args.preset is None else QualityPreset(args.preset),
        style=None if args.style is None else Style(args.style),
        year=None if args.year is None else Year(args.year),
        aesthetic=None if args.aesthetic is None else Aesthetic(args.aesthetic),
        sampler=None if args.sampler is None else Sampler(args.sampler),
        num_inference_steps=args.steps,
        guidance_scale=args.cfg,
        seed=args.seed,
        count=args.count,
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
