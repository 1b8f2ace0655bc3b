"""`/describe`, and "Describe picture" in the menu of every message: tags to draw it again."""

import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot, Interaction
from bot.library.descriptions import Description
from bot.library.results import unknown
from bot.library.suggestions import Asker
from cogs.common.answers import begin, show
from cogs.common.attachments import (
    Downloads,
    RemoteFile,
    check_announced,
    linked_file,
    shown_files,
)
from cogs.common.extension import extension
from cogs.common.places import asker_of, refuse_user_install
from cogs.pictures.describing import DescribeButton, described_message
from cogs.pictures.drawing_on import drawable_job
from cogs.pictures.message_menus import named_jobs
from cogs.pictures.own_jobs import own_jobs
from cogs.pictures.showing import may_follow
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text
from data.store.ids import PUBLIC_LENGTH, is_id, linked_message, typed_id
from pipeline.errors import InputError, RefusedError

DOWNLOAD_S: Final = 30.0
MAX_DESCRIBED: Final = 20 * 2**20  # bytes of a file
MAX_TYPED: Final = 400  # characters of an id or a link: Discord's links to files have about 250
_NUMBERED = re.compile(r"ekaki-[a-z0-9]{12}-([0-9]{1,2})\b")


class Describe(commands.Cog):
    """Pictures into prompts."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self.downloads = Downloads(at_once=2)
        self._menu = app_commands.ContextMenu(
            name=text("describing.menu"), callback=self.describe_message
        )

    async def cog_load(self) -> None:
        self.bot.tree.add_command(self._menu)

    async def cog_unload(self) -> None:
        self.bot.tree.remove_command(self._menu.name, type=self._menu.type)

    @app_commands.command(name="describe", description=text("describing.description"))
    @app_commands.describe(
        image=text("describing.option_image"),
        picture=text("describing.option_picture"),
        private=text("describing.option_private"),
    )
    async def describe(
        self,
        interaction: Interaction,
        *,
        image: discord.Attachment | None = None,
        picture: app_commands.Range[str, 1, MAX_TYPED] | None = None,
        private: bool = False,
    ) -> None:
        refuse_user_install(interaction)
        if (image is None) == (picture is None):
            raise InputError("describe_what")
        if image is not None:
            check_announced(image, limit_bytes=MAX_DESCRIBED)
            await self._answer(interaction, partial(self._foreign, image), private=private)
            return
        assert picture is not None, "one of them is there"
        if (file := _foreign_file(picture)) is not None:
            check_announced(file, limit_bytes=MAX_DESCRIBED)
            await self._answer(interaction, partial(self._foreign, file), private=private)
            return
        job, own = await _named(interaction, picture)
        await self._answer(interaction, partial(self._own, own), private=private or job.private)

    describe.autocomplete("picture")(own_jobs)

    async def describe_message(self, interaction: Interaction, message: discord.Message) -> None:
        refuse_user_install(interaction)
        for job_id in named_jobs(message):
            if await self.bot.services.jobs.job(job_id) is None:
                continue
            job, pictures = await drawable_job(interaction, job_id)
            own = _numbered(pictures, " ".join(each.filename for each in shown_files(message)))
            await self._answer(interaction, partial(self._own, own), private=job.private)
            return
        files = shown_files(message)
        if not files:
            raise InputError("describe_no_picture")
        check_announced(files[0], limit_bytes=MAX_DESCRIBED)
        await self._answer(interaction, partial(self._foreign, files[0]), private=False)

    async def _answer(
        self,
        interaction: Interaction,
        describe: Callable[[Asker], Awaitable[Description]],
        *,
        private: bool,
    ) -> None:
        await begin(interaction)
        asker = asker_of(interaction)
        async with self.bot.services.descriptions.turn(asker):
            made = await describe(asker)
        await show(interaction, described_message(made, private=private))

    async def _foreign(self, file: RemoteFile, asker: Asker) -> Description:
        data = await self.downloads.fetch(file, timeout_s=DOWNLOAD_S, limit_bytes=MAX_DESCRIBED)
        return await self.bot.services.descriptions.describe(data, asker)

    async def _own(self, picture: PictureRecord, asker: Asker) -> Description:
        return await self.bot.services.descriptions.describe_own(picture, asker)


def _foreign_file(typed: str) -> RemoteFile | None:
    """The file of a typed link, if it is none of ours. InputError `link_elsewhere`."""
    ours = linked_message(typed) is not None or is_id(typed_id(typed))
    return None if ours else linked_file(typed)


async def _named(interaction: Interaction, typed: str) -> tuple[JobRecord, PictureRecord]:
    """The picture that an id, the name of its file or a link refers to, if this person may draw
    from it. Otherwise RefusedError `job_unknown` or `link_unknown`, even if it exists, because that
    is private too.
    """
    services, wanted = interaction.client.services, typed
    if len(typed_id(typed)) == PUBLIC_LENGTH:
        entry = await services.gallery.entry(typed_id(typed))
        wanted = "" if entry is None else entry.picture_id
    found, pictures = await services.results.show(wanted)
    try:
        job, _ = await drawable_job(interaction, found.id)
    except RefusedError:
        raise unknown(typed) from None
    if not await may_follow(interaction, typed, job):
        raise unknown(typed)
    return job, _numbered(pictures, typed)


def _numbered(pictures: tuple[PictureRecord, ...], names: str) -> PictureRecord:
    """The picture whose number is in the name of its file, otherwise the first."""
    if not pictures:
        raise RefusedError("show_no_pictures")
    number = _NUMBERED.search(names)
    wanted = 0 if number is None else int(number[1]) - 1
    return next((each for each in pictures if each.position == wanted), pictures[0])


setup = extension(Describe, DescribeButton)
