"""The message commands "Remix" and "Picture settings", for our pictures and foreign PNGs."""

import asyncio
import re
from collections.abc import Iterator
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot, Interaction
from bot.loras.names import key_of
from cogs.common.answers import show
from cogs.common.attachments import Downloads, RemoteFile, attachments_of, pictures_of
from cogs.common.extension import extension
from cogs.common.places import asker_of, refuse_user_install
from cogs.drawing.cancel import JOB_ID
from cogs.pictures.drawing_on import drawable_job, form_of, show_settings, visible_job
from cogs.pictures.left_out import left_out_note
from cogs.pictures.remix_form import remix_form
from cogs.pictures.settings_text import foreign_settings
from data.shipped.text import text
from pipeline.errors import InputError
from pipeline.metadata.read import PictureMetadata, is_decided, read_metadata
from pipeline.prompt.flags_line import request_of
from pipeline.request import GenerationRequest

_FILE = re.compile(rf"ekaki-({JOB_ID})-[0-9]+\.(?:png|webp|jpg)")
_JOB_BUTTON = re.compile(
    rf"ekaki:(?:cancel|reroll|remix|settings|favourites|mores|votes|shares|delete):({JOB_ID})"
)
_MAX_FILE: Final = 10 * 2**20  # bytes; usually the first few thousand contain everything
DOWNLOAD_S: Final = 1.8  # a form must be the first response, and that within 3 s


class MessageMenus(commands.Cog):
    """Two commands in the menu of every message."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self.downloads = Downloads()
        self._menus = (
            app_commands.ContextMenu(name=text("results.menu_remix"), callback=self.remix),
            app_commands.ContextMenu(name=text("results.menu_settings"), callback=self.settings),
        )

    async def cog_load(self) -> None:
        for menu in self._menus:
            self.bot.tree.add_command(menu)

    async def cog_unload(self) -> None:
        for menu in self._menus:
            self.bot.tree.remove_command(menu.name, type=menu.type)

    async def remix(self, interaction: Interaction, message: discord.Message) -> None:
        refuse_user_install(interaction)
        job_id = await self._own_job(interaction, message)
        if job_id is not None:
            job, _ = await drawable_job(interaction, job_id)
            form = form_of(interaction.client, job)
        else:
            found = await self._foreign(message)
            request = await self._request(interaction, found)
            form = remix_form(request, note=left_out_note(found.parameters, request))
        await interaction.response.send_modal(form)

    async def settings(self, interaction: Interaction, message: discord.Message) -> None:
        refuse_user_install(interaction)
        job_id = await self._own_job(interaction, message)
        if job_id is not None:
            job, pictures = await visible_job(interaction, job_id)
            await show_settings(interaction, job, pictures)
            return
        found = await self._foreign(message)
        request = await self._request(interaction, found)
        await show(interaction, foreign_settings(found, request))

    async def _request(self, interaction: Interaction, found: PictureMetadata) -> GenerationRequest:
        services = self.bot.services
        if found.parameters.loras:
            names = (await services.lora_choices.choice(asker_of(interaction))).by_key()

            def lora_of(typed: str) -> str | None:
                return names.get(key_of(typed))

            return request_of(
                found.parameters, max_steps=services.settings.max_steps, lora_of=lora_of
            )
        return request_of(found.parameters, max_steps=services.settings.max_steps)

    async def _own_job(self, interaction: Interaction, message: discord.Message) -> str | None:
        """The job that a message shows, if it still exists."""
        for job_id in named_jobs(message):
            if await interaction.client.services.jobs.job(job_id) is not None:
                return job_id
        return None

    async def _foreign(self, message: discord.Message) -> PictureMetadata:
        """The metadata of the first picture that has any, including those of a forwarded message
        and of embeds. InputError says what is wrong with them."""
        files = pictures_of(message)
        if not files:
            raise InputError("no_pictures_there")
        troubles: list[InputError] = []
        tasks = [asyncio.create_task(self._read(each)) for each in files]
        try:
            for task in tasks:
                try:
                    return await task
                except InputError as error:
                    troubles.append(error)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        raise min(troubles, key=_silence)

    async def _read(self, file: RemoteFile) -> PictureMetadata:
        data = await self.downloads.fetch(
            file, timeout_s=DOWNLOAD_S, enough=is_decided, limit_bytes=_MAX_FILE
        )
        return await asyncio.to_thread(read_metadata, data)


_TELLING: Final = ("metadata_unreadable", "file_too_large", "download_slow", "download_failed")


def _silence(error: InputError) -> int:
    """The rank of an error by how little it says; the most informative one is shown."""
    return _TELLING.index(error.key) if error.key in _TELLING else len(_TELLING)


def named_jobs(message: discord.Message) -> Iterator[str]:
    """Jobs to which our files or buttons in the message belong. Anybody can upload a file of such a
    name, so permissions are checked when the job is used."""
    for attachment in attachments_of(message):
        match = _FILE.fullmatch(attachment.filename)
        if match is not None:
            yield match[1]
    for row in message.components:
        for item in row.children if isinstance(row, discord.ActionRow) else ():
            match = _JOB_BUTTON.fullmatch(getattr(item, "custom_id", None) or "")
            if match is not None:
                yield match[1]


setup = extension(MessageMenus)
