"""All commands, in the order of `--help`."""

from collections.abc import Callable
from typing import Final

from bot.cli import (
    backup,
    demo,
    doctor,
    drain,
    host,
    imagine,
    lora,
    model,
    playground,
    restore,
    run,
    setup,
    storage,
    sync,
    tags,
    web,
)
from bot.cli.shared import Subparsers

ALL: Final[tuple[Callable[[Subparsers], None], ...]] = (
    setup.add,
    run.add,
    drain.add,
    host.add,
    web.add,
    storage.add,
    backup.add,
    restore.add,
    imagine.add,
    doctor.add,
    sync.add,
    model.add,
    lora.add,
    tags.add,
    demo.add,
    playground.add,
)
