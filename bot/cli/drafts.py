"""`model fetch --draft` and `--small-decoder`: what makes drafts possible, and fast."""

import shutil
from typing import TYPE_CHECKING

from bot.cli.asking import is_terminal, yes
from bot.cli.lora import add_and_tell, layers_in_use
from bot.common.terminal import note, say

if TYPE_CHECKING:
    from bot.config.settings import Settings
    from pipeline.lora.distilled import Distilled


def fetch_draft(
    settings: "Settings", distilled: "Distilled", *, endpoint: str | None = None
) -> None:
    """Download a LoRA for few steps and add it to the library as the one for drafts.

    `endpoint`: another hub than the public one. Raises InputError `lora_other_model`, `lora_taken`,
    `lora_draft_taken`, `not_downloaded`, and what `fetch_files` and `add_lora` raise.
    """
    from bot.loras.adding import Addition
    from bot.loras.shelf import Shelf
    from pipeline.errors import InputError
    from pipeline.fetch import fetch_files

    layers = layers_in_use(settings)
    if layers.family != distilled.family:
        raise InputError("lora_other_model", name=distilled.name)
    with Shelf.opened(settings.lora_folder) as shelf:
        shelf.demand_free(distilled.name)
        shelf.demand_no_draft()
    note(f"{distilled.name} by {distilled.author}: {distilled.about}.")
    note(f"{distilled.source}, {distilled.size_bytes / 1e9:.2f} GB, licence: {distilled.licence}.")
    if is_terminal() and not yes("Download it?"):
        raise InputError("not_downloaded", name=distilled.name)
    fetched = fetch_files(
        distilled.repository,
        distilled.revision,
        settings.models_dir,
        {distilled.file: distilled.sha256},
        progress=note,
        endpoint=endpoint,
    )
    add_and_tell(
        settings,
        Addition(
            file=fetched.path / distilled.file,
            name=distilled.name,
            triggers=(),
            licence=distilled.licence,
            author=distilled.author,
            source=distilled.source,
            recipe=distilled.recipe,
            draft=True,
        ),
        layers,
    )
    shutil.rmtree(fetched.path)  # the library has its own copy


def fetch_small_decoder(settings: "Settings", *, endpoint: str | None = None) -> None:
    """Download TAESDXL and add it to the model's folder, and to what was prepared from it.

    `endpoint`: another hub than the public one. Raises InputError `not_downloaded`, ModelError
    `small_decoder_unfit`, and what `fetch_files` and `open_source` raise; StorageError.
    """
    from bot.config.engine_options import engine_options
    from pipeline.errors import InputError
    from pipeline.fetch import fetch_files
    from pipeline.model.folder import ModelFolder
    from pipeline.model.options import VARIANTS
    from pipeline.model.source import open_source
    from pipeline.plan.prepared import home_of
    from pipeline.prepare.small_decoder import (
        HASHES,
        LICENCE,
        REPOSITORY,
        REVISION,
        SIZE_BYTES,
        add_small_decoder,
        check_fits,
    )
    from pipeline.runtime.sessions import SessionFactory

    source = open_source(engine_options(settings))
    check_fits(source)
    note(f"TAESDXL, a small decoder: https://huggingface.co/{REPOSITORY}, licence: {LICENCE}.")
    if is_terminal() and not yes(f"Download it ({SIZE_BYTES / 1e6:.0f} MB)?"):
        raise InputError("not_downloaded", name="TAESDXL")
    fetched = fetch_files(
        REPOSITORY, REVISION, settings.models_dir, HASHES, progress=note, endpoint=endpoint
    )
    factory = SessionFactory(provider="cpu")
    home = home_of(settings.models_dir, source)
    for path in (source.path, *(home / variant for variant in VARIANTS)):
        if path.is_dir():
            added = add_small_decoder(ModelFolder.open(path), fetched.path, factory)
            say(f"{added}")
    note("Drafts and previews use it from the next start of the bot.")
