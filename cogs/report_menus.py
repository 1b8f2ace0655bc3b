"""The message commands "Report picture" and "Delete picture", and the word to who reported."""

import logging
from typing import TypeAlias

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import EkakiBot
from bot.failpoints import hit
from bot.moderators import MAX_REASON
from cogs import errors
from cogs.actors import actor_of
from cogs.answers import begin, say
from cogs.background import Background
from cogs.forms import Form
from cogs.message_menus import named_jobs
from cogs.places import refuse_user_install
from cogs.report_queue import ReportButton
from cogs.result_keeping import ask_to_delete
from cogs.review import ReviewButton
from data import gallery, gallery_posts
from data.reports import Untold
from data.text import speaking, text
from pipeline.errors import RefusedError

_log = logging.getLogger(__name__)

Interaction: TypeAlias = discord.Interaction[EkakiBot]


class ReportMenus(commands.Cog):
    """Two commands in the menu of every message, and work in the background."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._menus = (
            app_commands.ContextMenu(name=text("reports.menu_report"), callback=self.report),
            app_commands.ContextMenu(name=text("reports.menu_delete"), callback=self.delete),
        )
        self.background = Background(
            bot, name="telling reporters", fresh=bot.services.reports.fresh, work=self.work
        )

    async def cog_load(self) -> None:
        for menu in self._menus:
            self.bot.tree.add_command(menu)
        self.background.start()

    async def cog_unload(self) -> None:
        for menu in self._menus:
            self.bot.tree.remove_command(menu.name, type=menu.type)
        await self.background.stop()

    async def report(self, interaction: Interaction, message: discord.Message) -> None:
        refuse_user_install(interaction)
        job_id = await job_of(interaction, message)
        await interaction.response.send_modal(ReportModal(job_id, (message.channel.id, message.id)))

    async def delete(self, interaction: Interaction, message: discord.Message) -> None:
        refuse_user_install(interaction)
        job_id = await job_of(interaction, message)
        await ask_to_delete(interaction, job_id, message_id=message.id)

    async def work(self) -> None:
        """Tell people what became of their reports. Raises where Discord is out of reach."""
        reports = self.bot.services.reports
        while waiting := await reports.untold():
            for untold in waiting:
                await self._tell(untold)
                hit("reporter_told_unmarked")
                await reports.mark_told(untold)

    async def _tell(self, untold: Untold) -> None:
        with speaking(untold.locale):
            words = text(f"reports.told_{untold.state}")
        try:
            direct = await self.bot.create_dm(discord.Object(untold.user_id))
            nonce = f"{untold.report_id}-{untold.user_id % 10**9}"
            await direct.send(words, nonce=nonce, allowed_mentions=discord.AllowedMentions.none())
        except (discord.Forbidden, discord.NotFound) as error:  # takes no direct messages
            _log.info("A reporter can't be told: %s", error)


async def job_of(interaction: Interaction, message: discord.Message) -> str:
    """The request that a message of ours shows, also one of the gallery.

    RefusedError `picture_not_there`.
    """
    services, me = interaction.client.services, interaction.client.user
    if me is not None and message.author.id == me.id:
        for job_id in named_jobs(message):
            if await services.jobs.job(job_id) is not None:
                return job_id
        async with services.database.reader() as connection:
            post = await gallery_posts.of_message(connection, message_id=message.id)
            if post is not None:
                entry = await gallery.get(connection, entry_id=post.entry_id)
                if entry is not None:
                    return entry.job_id
    raise RefusedError("picture_not_there")


class ReportModal(Form):
    """What is wrong with a picture. `shown`: the channel and the message to look at, if any."""

    def __init__(self, job_id: str, shown: tuple[int, int] | None) -> None:
        super().__init__(title=text("reports.menu_report"), timeout=3600)
        self._job_id, self._shown = job_id, shown
        self._reason: discord.ui.TextInput[ReportModal] = discord.ui.TextInput(
            custom_id="reason",
            required=False,
            max_length=MAX_REASON,
            style=discord.TextStyle.paragraph,
        )
        self.add_item(discord.ui.Label(text=text("reports.what"), component=self._reason))

    async def on_submit(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: Interaction, /
    ) -> None:
        await begin(interaction)
        is_new = await interaction.client.services.reports.report(
            actor_of(interaction),
            self._job_id,
            shown=self._shown,
            reason=self._reason.value,
            locale=interaction.locale.value,
        )
        await say(interaction, text("reports.thanks" if is_new else "reports.again"))


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    errors.install(bot)
    bot.add_dynamic_items(ReviewButton, ReportButton)
    await bot.add_cog(ReportMenus(bot))
