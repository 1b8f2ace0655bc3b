"""`lora`: the LoRAs that members can choose."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.shared import Subparsers, load_settings
from bot.common.terminal import note, say
from pipeline.card import Sampler

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from bot.loras.adding import Addition
    from bot.loras.manifest import LoraManifest
    from bot.loras.scan import LoraEntry
    from pipeline.lora.recipe import Recipe
    from pipeline.prepare.lora.linear_layers import LinearLayers

_LARGE_BYTES = 100 * 2**20  # takes seconds
_RATINGS = ("safe", "sensitive", "nsfw", "explicit")


def add(subparsers: Subparsers) -> None:
    """Add the command and its subcommands."""
    group = subparsers.add_parser("lora", help="the LoRAs that members can choose")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_add(actions)
    command = actions.add_parser("list", help="all LoRAs, a line each")
    command.set_defaults(run=run_list)
    command = actions.add_parser("show", help="everything about one LoRA")
    command.add_argument("name")
    command.set_defaults(run=run_show)
    command = actions.add_parser(
        "remove",
        help="remove a LoRA",
        description="Remove a LoRA, also beside a running bot. Jobs that wait for it fail and cost "
        "nothing; pictures that were drawn with it stay.",
    )
    command.add_argument("name")
    command.set_defaults(run=run_remove)
    command = actions.add_parser(
        "check",
        help="compare all files with their hashes",
        description="Read all LoRAs and compare them with their hashes: exit status 1 if anything "
        "is amiss.",
    )
    command.add_argument(
        "--empty",
        action="store_true",
        help="LORA_DIR was emptied on purpose: a running bot stops waiting for its disk, and jobs "
        "that wait for its LoRAs end and cost nothing",
    )
    command.set_defaults(run=run_check)


def _add_add(actions: Subparsers) -> None:
    command = actions.add_parser(
        "add",
        help="add a LoRA for SDXL",
        description="Read a LoRA for SDXL (safetensors, of kohya, diffusers or peft), convert it "
        "once and add it to the library, also beside a running bot, which shows it within "
        "seconds. The file itself is not needed after that. What is not said here is taken from "
        "the file where it has it.",
    )
    command.add_argument("file", type=Path, metavar="FILE")
    command.add_argument("--name", help="what members type (default: the file's name)")
    command.add_argument(
        "--trigger",
        metavar="WORDS",
        action="append",
        help="trigger words, separated by commas; '' for none; may be repeated",
    )
    command.add_argument(
        "--strength",
        default="1",
        help="the strength if members say none, -2 to 2 (default: 1)",
    )
    command.add_argument(
        "--rating",
        choices=_RATINGS,
        default="safe",
        help="the mildest rating of a place where it may be used (default: safe)",
    )
    for flag, kind, meaning in (
        ("--steps", int, "steps, for a LoRA that was distilled to few"),
        ("--cfg", float, "CFG, 1 for most of those"),
    ):
        command.add_argument(flag, type=kind, metavar="N", help=f"{meaning}, if members say none")
    command.add_argument("--sampler", choices=list(Sampler), help="the sampler if members say none")
    command.add_argument(
        "--draft",
        action="store_true",
        help="draw drafts (speed: draft) with it; one LoRA can be for drafts, and needs --steps",
    )
    command.add_argument("--licence", metavar="TEXT", help="shown to members")
    command.add_argument("--author", metavar="TEXT", help="shown to members")
    command.add_argument("--source", metavar="LINK", default="", help="where it is from")
    command.add_argument("--preview", metavar="IMAGE", type=Path, help="a picture made with it")
    command.set_defaults(run=run_add)


def run_add(args: argparse.Namespace) -> int:
    """Add a LoRA."""
    from bot.loras.adding import Addition, parse_strength
    from bot.loras.metadata import split_triggers
    from pipeline.lora.recipe import Recipe
    from pipeline.rating import Rating

    settings = load_settings(args)
    typed: list[str] | None = args.trigger
    addition = Addition(
        file=args.file,
        name=args.name,
        triggers=None if typed is None else split_triggers(",".join(typed)),
        strength=parse_strength(args.strength),
        rating=Rating.from_label(args.rating),
        licence=args.licence,
        author=args.author,
        source=args.source,
        preview=args.preview,
        recipe=Recipe(
            num_inference_steps=args.steps,
            guidance_scale=args.cfg,
            sampler=None if args.sampler is None else Sampler(args.sampler),
        ),
        draft=args.draft,
    )
    add_and_tell(settings, addition, layers_in_use(settings))
    return 0


def add_and_tell(settings: "Settings", addition: "Addition", layers: "LinearLayers") -> None:
    """Add a LoRA for models with these `layers`, with a progress bar, and print what was added.
    Raises as `add_lora`."""
    import time

    from tqdm import tqdm

    from bot.config.engine_options import draws_convolutions
    from bot.loras.adding import add_lora

    file = addition.file
    if file.is_file() and file.stat().st_size > _LARGE_BYTES:
        note(f"Converting {file.name} ({_size(file.stat().st_size)}).")

    with tqdm(unit="layer", disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        added = add_lora(settings.lora_folder, addition, layers, now=time.time(), progress=progress)
    for line in added.warnings:
        note(line)
    if added.convolutions and not draws_convolutions(settings):
        note(
            "It changes convolutions, for which the model in use was not prepared: pictures with "
            "it fail until then. Run: python -m bot model prepare"
        )
    manifest = added.manifest
    triggers = ", ".join(manifest.triggers) or "none"
    say(
        f"Added {added.name}: rank {manifest.rank}, {_size(manifest.adapter.size_bytes)}, trigger "
        f"words: {triggers}, rating: {manifest.rating.label}{_recipe(manifest.recipe)}"
        f"{_for_drafts(manifest)}."
    )


def run_list(args: argparse.Namespace) -> int:
    """List all."""
    settings = load_settings(args)
    entries = _entries(settings)
    for entry in entries:
        state = f"PROBLEM: {entry.problem}" if entry.problem else _size(entry.size_bytes)
        triggers = f" ({', '.join(entry.triggers)})" if entry.triggers else ""
        rating = f"{entry.rating.label}, " if entry.digest else ""  # else its manifest is unread
        say(f"{entry.name}{triggers}: {rating}{state}{_for_drafts(entry)}")
    if not entries:
        note(f"There are no LoRAs in {settings.lora_folder}. Add one: python -m bot lora add FILE")
    return 0


def run_show(args: argparse.Namespace) -> int:
    """Show one."""
    from datetime import UTC, datetime

    from bot.loras.names import key_of
    from bot.loras.scan import manifest_path, read_manifest
    from bot.loras.shelf import unknown

    settings = load_settings(args)
    entries = {key_of(entry.name): entry for entry in _entries(settings)}
    entry = entries.get(key_of(args.name))
    if entry is None:
        raise unknown(args.name, [each.name for each in entries.values()])
    if not entry.digest:
        say(f"{entry.name}: {entry.problem}")
        return 1
    manifest = read_manifest(manifest_path(settings.lora_folder, entry.name))
    added = datetime.fromtimestamp(manifest.added, UTC).strftime("%Y-%m-%d %H:%M UTC")
    lines = {
        "name": entry.name,
        "problem": entry.problem,
        "trigger words": ", ".join(entry.triggers),
        "strength": f"{entry.strength:g}",
        "rating": entry.rating.label,
        "recipe": _recipe(entry.recipe).removeprefix(", recipe: "),
        "drafts": "drawn with it" if entry.draft else "",
        "licence": entry.licence,
        "author": entry.author,
        "source": entry.source,
        "made for": entry.base,
        "rank": f"{entry.rank} ({manifest.layers} layers)",
        "size": _size(entry.size_bytes),
        "preview": "" if entry.preview is None else str(entry.preview),
        "added": added,
        "made from": f"{manifest.original.name} (SHA-256 {manifest.original.sha256})",
        "file": f"{entry.digest}.safetensors",
    }
    for label, value in lines.items():
        if value:
            say(f"{label}: {value}")
    return 1 if entry.problem else 0


def run_remove(args: argparse.Namespace) -> int:
    """Remove one."""
    from bot.loras.shelf import Shelf

    with Shelf.opened(load_settings(args).lora_folder) as shelf:
        name = shelf.find(args.name)
        shelf.remove(name)
    say(f"Removed {name}.")
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Check all."""
    from bot.loras.checking import check_library
    from bot.loras.shelf import Shelf

    settings = load_settings(args)
    if args.empty:
        with Shelf.opened(settings.lora_folder) as shelf:
            shelf.demand_empty()
        say(f"{settings.lora_folder} is empty on purpose. A running bot knows within seconds.")
        return 0
    findings = check_library(
        settings.lora_folder, family=layers_in_use(settings).family, report=note
    )
    for line in findings.problems:
        say(line)
    if not findings.problems:
        say(f"LoRAs: {findings.count}, all as they were added.")
    return 1 if findings.problems else 0


def _recipe(recipe: "Recipe") -> str:
    """`, recipe: --steps 8 --cfg 1 --sampler LCM`; empty without one."""
    from pipeline.prompt.flags_line import settings_line
    from pipeline.request import GenerationRequest

    line = settings_line(GenerationRequest(**recipe.said))
    return f", recipe: {line}" if line else ""


def _for_drafts(lora: "LoraManifest | LoraEntry") -> str:
    return ", for drafts" if lora.draft else ""


def _size(size_bytes: int) -> str:
    """`43 MiB`, or `13 KiB` below one."""
    from bot.common.wording import gib

    return gib(size_bytes) if size_bytes >= 2**20 else f"{max(1, size_bytes // 1024)} KiB"


def _entries(settings: "Settings") -> "tuple[LoraEntry, ...]":
    from bot.config.engine_options import lora_family
    from bot.loras.scan import Scanner
    from pipeline.disk import at

    with at(settings.lora_folder):
        return Scanner(settings.lora_folder, family=lora_family(settings)).scan()


def layers_in_use(settings: "Settings") -> "LinearLayers":
    """The layers of the model in use; those of SDXL if it is not on this machine."""
    from bot.config.engine_options import lora_layers
    from pipeline.prepare.lora.linear_layers import LinearLayers

    layers = lora_layers(settings)
    if layers is None:
        note("MODEL is not on this machine, so the layers of SDXL are assumed.")
    return layers or LinearLayers.standard()
