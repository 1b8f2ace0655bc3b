"""`/imagine`. The cog starts the worker when it is loaded and stops it when it is unloaded."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.jobs.keep.uploads import MAX_UPLOAD_BYTES
from bot.library.suggestions import Suggestion, without_marks
from cogs.common import errors
from cogs.common.attachments import Downloads, check_announced
from cogs.common.choices import as_choices
from cogs.common.places import place_of, refuse_user_install, rules_channel_id
from cogs.drawing import cancel, late_ends
from cogs.drawing.options import takes, wanted
from cogs.drawing.presenters import Presenters
from cogs.drawing.prompt_form import PromptModal
from cogs.drawing.submission import submit
from cogs.personal.presets import own_presets
from data.jobs.jobs import JobRecord
from data.shipped.text import text
from pipeline.errors import InputError
from pipeline.prompt.assemble import typed_text
from pipeline.request import OPTION, OPTIONS, GenerationRequest

Interaction: TypeAlias = discord.Interaction[EkakiBot]
LAST = ("image", "strength", "saved", "private")
PROMPT = ("prompt", "character", "series", "tags")

DOWNLOAD_S = 60.0  # of an image to begin from; Discord shows "thinking" meanwhile


class Inference(commands.Cog):
    """Options in, messages out."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._presenters = Presenters(bot)
        self.downloads = Downloads()
        self._resuming: asyncio.Task[None] | None = None

    async def cog_load(self) -> None:
        jobs = self.bot.services.jobs
        late_ends.enter(self.bot, self._presenters)
        self.bot.presenters = self._presenters
        await jobs.start()
        earlier = await jobs.to_present()  # before the first interaction of this run can come
        self._resuming = asyncio.create_task(self._resume(earlier), name="resume presenters")

    async def cog_unload(self) -> None:
        self.bot.presenters = None  # for new jobs; those that are being accepted hold it
        if self._resuming is not None:
            self._resuming.cancel()
            await asyncio.gather(self._resuming, return_exceptions=True)
        await self.bot.services.jobs.stop()
        await self._presenters.stop()

    async def _resume(self, earlier: list[JobRecord]) -> None:
        await self.bot.wait_until_ready()
        self._presenters.resume(earlier)

    @app_commands.command(name="imagine", description=text("imagine.description"))
    @app_commands.describe(image=text("imagine.option_image"), saved=text("imagine.option_saved"))
    @takes(OPTIONS, last=LAST)
    async def imagine(
        self,
        interaction: Interaction,
        *,
        image: discord.Attachment | None = None,
        saved: str | None = None,
        **said: Any,
    ) -> None:
        refuse_user_install(interaction)
        # Clients may send a suggestion's name, remarks and all, instead of its value.
        texts = {
            name: without_marks(value)
            for name, value in said.items()
            if value is not None and OPTION[name].default == ""
        }
        wish = GenerationRequest(**wanted(said | texts))
        if image is not None:
            check_announced(image, limit_bytes=MAX_UPLOAD_BYTES)
        elif said["strength"] is not None:
            raise InputError("strength_without_image")
        send = partial(self._submit, image=image, saved=saved)
        typed = any(said[name] is not None for name in PROMPT)
        if not typed and not await self._has_prompt(interaction, saved):
            await interaction.response.send_modal(PromptModal(wish, send))
        else:
            await send(interaction, wish)

    async def _submit(
        self,
        interaction: Interaction,
        wish: GenerationRequest,
        *,
        image: discord.Attachment | None,
        saved: str | None,
    ) -> None:
        prepare = None if image is None else partial(self._with_image, image)
        await submit(interaction, wish, saved=saved, prepare=prepare)

    async def _has_prompt(self, interaction: Interaction, saved: str | None) -> bool:
        """Whether the person's preset `saved` says what to draw. RefusedError: there is none."""
        if saved is None:
            return False
        preset = await self.bot.services.people.preset(interaction.user.id, saved)
        return bool(typed_text(preset.request))

    async def _with_image(
        self, image: discord.Attachment, wish: GenerationRequest
    ) -> GenerationRequest:
        """`wish` beginning from `image`, once that is here and kept."""
        data = await self.downloads.fetch(image, timeout_s=DOWNLOAD_S)
        upload = await self.bot.services.jobs.put_upload(data)
        return replace(wish, init_picture=upload.content_hash)

    @imagine.autocomplete("prompt")
    @imagine.autocomplete("negative_prompt")
    @imagine.autocomplete("tags")
    async def suggest_tags(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await self._suggest(self.bot.services.suggestions.tags, interaction, typed)

    @imagine.autocomplete("character")
    async def suggest_characters(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await self._suggest(self.bot.services.suggestions.characters, interaction, typed)

    @imagine.autocomplete("series")
    async def suggest_series(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await self._suggest(self.bot.services.suggestions.series, interaction, typed)

    @imagine.autocomplete("aspect")
    async def suggest_aspects(
        self,
        interaction: Interaction,  # noqa: ARG002 - discord.py's signature
        typed: str,
    ) -> list[app_commands.Choice[str]]:
        return as_choices(self.bot.services.suggestions.aspects(typed))

    @imagine.autocomplete("saved")
    async def suggest_saved(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        return await own_presets(interaction, typed)

    async def _suggest(
        self,
        source: Callable[..., Awaitable[Sequence[Suggestion]]],
        interaction: Interaction,
        typed: str,
    ) -> list[app_commands.Choice[str]]:
        found = await source(
            typed,
            user_id=interaction.user.id,
            place=place_of(interaction),
            guild_id=interaction.guild_id,
            channel_id=rules_channel_id(interaction),
        )
        return as_choices(found)


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    errors.install(bot)
    cancel.install(bot)
    await bot.add_cog(Inference(bot))
