"""`model`: downloads the model or its tagger, or prepares the model."""

import argparse

from bot.cli import prepare
from bot.cli.shared import Subparsers, load_settings
from bot.common.terminal import note, say
from pipeline.lora.distilled import DEFAULT_KIND, DISTILLED


def add(subparsers: Subparsers) -> None:
    """Add the command and its subcommands."""
    group = subparsers.add_parser("model", help="the model that draws")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    command = actions.add_parser(
        "fetch",
        help="download the model",
        description="Download the model (13.9 GB for the default one) into MODELS_DIR. Started "
        "again, it goes on where it was. After that everything works offline.",
    )
    command.add_argument("--model", metavar="OWNER/NAME", help="default: MODEL of the settings")
    command.add_argument("--revision", metavar="COMMIT", help="default: MODEL_REVISION")
    command.add_argument(
        "--tagger",
        action="store_true",
        help="instead of the model, the tagger that checks finished pictures (0.38 GB)",
    )
    command.add_argument(
        "--draft",
        nargs="?",
        const=DEFAULT_KIND,
        choices=list(DISTILLED),
        help="instead of the model, a LoRA for few steps, with which drafts are drawn (0.4 to 0.8 "
        f"GB; default: {DEFAULT_KIND}); it becomes part of the library",
    )
    command.add_argument(
        "--small-decoder",
        action="store_true",
        help="instead of the model, a small decoder (TAESDXL, 10 MB) for drafts and previews",
    )
    command.add_argument(
        "--faces",
        action="store_true",
        help="instead of the model, a detector of anime faces (0.25 MB, MIT licence), with which "
        "small faces are drawn again, larger",
    )
    command.add_argument(
        "--prepare",
        action="store_true",
        help="then prepare it for this machine without asking (as `model prepare`)",
    )
    command.set_defaults(run=run)
    prepare.add(actions)


def run(args: argparse.Namespace) -> int:
    """Download."""
    settings = load_settings(args)
    if args.tagger:
        from pipeline.fetch import fetch_tagger

        fetched = fetch_tagger(settings.models_dir, progress=note)
        say(f"{fetched.path} (commit {fetched.commit})")
        return 0
    if args.faces:
        from pipeline.faces.fetch import fetch_faces

        say(str(fetch_faces(settings.models_dir, progress=note)))
        return 0
    if args.draft or args.small_decoder:
        from bot.cli import drafts

        if args.draft:
            drafts.fetch_draft(settings, DISTILLED[args.draft])
        if args.small_decoder:
            drafts.fetch_small_decoder(settings)
        return 0

    from dataclasses import replace

    from bot.cli.offering import after_fetch
    from bot.config.engine_options import engine_options

    model = args.model or settings.model
    from pipeline.errors import InputError
    from pipeline.model.options import is_repository

    if not is_repository(model):
        raise InputError("fetch_no_repository", model=model)

    from pipeline.fetch import fetch_model

    revision = args.revision or settings.model_revision
    fetched = fetch_model(model, revision, settings.models_dir, progress=note)
    say(f"{fetched.path} (commit {fetched.commit})")
    options = replace(engine_options(settings), model=model, revision=revision)
    after_fetch(options, prepare_now=args.prepare)
    return 0
