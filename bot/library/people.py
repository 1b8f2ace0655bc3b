"""What the bot stores for a person: defaults, presets; exporting and removing everything."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from bot.common.clock import Clock
from bot.common.failpoints import hit
from bot.jobs.accept.gather import chosen_presets
from bot.jobs.keep.files import KeptFiles
from bot.jobs.service import JobService
from bot.library.export import Exporter
from bot.library.forgetting import forget_person
from data.gallery import search
from data.jobs import of_person
from data.people import presets, user_defaults
from data.people.presets import Preset
from data.people.user_defaults import UserDefaults
from data.store.database import Database
from pipeline.aspect import parse_aspect
from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import InputError, RefusedError
from pipeline.prompt.clean import clean_text
from pipeline.request import OPTIONS, GenerationRequest
from pipeline.resolve import readable

MAX_PRESETS: Final = 25  # all of them fit into one autocompletion
MAX_PRESET_NAME: Final = 50  # characters: several fit side by side on a phone


class People:
    """Defaults, presets, export and removal."""

    def __init__(
        self, *, database: Database, files: KeptFiles, jobs: JobService, clock: Clock
    ) -> None:
        self._database = database
        self._files = files
        self._jobs = jobs
        self._clock = clock
        self._exporter = Exporter(database=database, files=files, clock=clock)

    async def defaults(self, user_id: int) -> UserDefaults:
        """The defaults that `user_id` set for their requests."""
        return await self._database.read(user_defaults.get, user_id=user_id)

    async def set_defaults(self, user_id: int, defaults: UserDefaults) -> UserDefaults:
        """Replace the defaults; returns what is stored (the size as pixels, the text cleaned).

        InputError `aspect_unknown` or `negative_too_long`: nothing was changed.
        """
        negative = clean_text(defaults.negative_prompt)
        if len(negative) > MAX_PROMPT_CHARACTERS:
            raise InputError("negative_too_long", length=len(negative), limit=MAX_PROMPT_CHARACTERS)
        aspect = defaults.aspect and parse_aspect(defaults.aspect).pixels
        stored = replace(defaults, aspect=aspect or None, negative_prompt=negative)
        await self._database.write(user_defaults.put, user_id=user_id, defaults=stored)
        hit("defaults_saved")
        return stored

    async def save_preset(self, user_id: int, name: str, request: GenerationRequest) -> Preset:
        """Save `request` under `name`, replacing the one of that name.

        The seed, the number of pictures, who sees the result, and init pictures are not stored: a
        preset is a style, not one picture. InputError `preset_name` (1 to 50 characters) or what is
        wrong with the request; RefusedError `presets_full` (25).
        """
        name = clean_text(name)
        if not presets.key_of(name) or len(name) > MAX_PRESET_NAME:
            raise InputError("preset_name", limit=MAX_PRESET_NAME)
        preset = Preset(name=name, request=preset_of(request))
        async with self._database.transaction() as connection:
            if await presets.count(connection, user_id=user_id, without=name) >= MAX_PRESETS:
                raise RefusedError("presets_full", limit=MAX_PRESETS)
            await presets.save(
                connection,
                user_id=user_id,
                name=name,
                request=preset.request,
                now=self._clock.time(),
            )
        hit("preset_saved")
        return preset

    async def presets(self, user_id: int) -> list[Preset]:
        """The presets of `user_id`, by name."""
        return await self._database.read(presets.of_user, user_id=user_id)

    async def preset(self, user_id: int, name: str) -> Preset:
        """The preset `name`, in any case. RefusedError `preset_unknown`."""
        found = await self._database.read(presets.get, user_id=user_id, name=name)
        if found is None:
            raise RefusedError("preset_unknown", name=name[:MAX_PRESET_NAME])
        return found

    async def chosen_presets(self, user_id: int, saved: str | None) -> tuple[Preset, ...]:
        """The presets that `saved` names, with commas between them. RefusedError
        `preset_unknown`."""
        async with self._database.reader() as connection:
            return await chosen_presets(connection, user_id=user_id, saved=saved)

    async def delete_preset(self, user_id: int, name: str) -> None:
        """Delete the preset `name`. RefusedError `preset_unknown`."""
        async with self._database.transaction() as connection:
            if not await presets.delete(connection, user_id=user_id, name=name):
                raise RefusedError("preset_unknown", name=name[:MAX_PRESET_NAME])

    async def export(self, user_id: int) -> bytes:
        """Everything stored about `user_id` as one ZIP: `data.json` and their picture files.

        It is as large as all their pictures; use `export_parts` for messages.
        """
        return b"".join([part async for part in self._exporter.parts(user_id, part_bytes=None)])

    def export_parts(self, user_id: int, *, part_bytes: int) -> AsyncIterator[bytes]:
        """The same as several ZIPs of at most `part_bytes`, one in memory at a time. The first has
        `data.json`; each opens by itself. A file larger than that is a part of its own."""
        return self._exporter.parts(user_id, part_bytes=part_bytes)

    async def forget(self, user_id: int) -> None:
        """Remove everything stored about `user_id` permanently, including files.

        Open jobs are cancelled first. Their usage of the last 24 hours stays until it expires (a
        number and a time, without job or text), so that this can't be used to reset limits; then
        the next housekeeping removes it too. Blocks also stay, and what moderators did about them,
        without their text, as long as the server keeps its log. What they shared is removed from
        gallery channels; other messages in Discord stay. A tombstone keeps restored backups from
        bringing them back.
        """
        await self._jobs.cancel_all(user_id=user_id)
        now = self._clock.time()
        async with self._database.transaction() as connection:
            was_shown = await search.has_words_of(connection, maker_id=user_id)
            open_ids = await of_person.open_ids(connection, user_id=user_id)  # accepted in between
            freed = await forget_person(connection, user_id=user_id, now=now)
            await self._database.tombstones.put_in(connection, "person", user_id, now=now)
            hit("person_marked")
        hit("person_forgotten")
        for job_id in open_ids:
            self._jobs.forgotten(job_id=job_id)
        await asyncio.shield(self._files.discard(freed))
        begin = was_shown
        while was_shown:
            was_shown = await self._database.write(search.tidy, begin=begin)
            begin = False
        await self._database.forget_log()


def preset_of(request: GenerationRequest) -> GenerationRequest:
    """The part of `request` that a preset stores; flags of its prompt become fields."""
    said = readable(request)
    return GenerationRequest(
        **{each.field: getattr(said, each.field) for each in OPTIONS if each.in_preset}
    )
