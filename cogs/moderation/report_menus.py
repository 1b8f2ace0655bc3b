"""The message commands "Report picture" and "Delete picture", and the word to who reported."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot, Interaction
from bot.common.failpoints import hit
from bot.guilds.moderators import MAX_REASON
from bot.outbox.kinds import Kind
from cogs.common.actors import actor_of
from cogs.common.answers import begin, say
from cogs.common.extension import extension
from cogs.common.forms import Form
from cogs.common.places import refuse_user_install
from cogs.common.sent_before import sent_before
from cogs.moderation.report_queue import ReportButton
from cogs.moderation.review import ReviewButton
from cogs.pictures.keeping import ask_to_delete
from cogs.pictures.message_menus import named_jobs
from data.gallery import entries, posts
from data.guilds.outbox import OutboxItem
from data.shipped.text import speaking, text
from pipeline.errors import RefusedError


class ReportMenus(commands.Cog):
    """Two commands in the menu of every message, and one kind of the outbox."""

    def __init__(self, bot: EkakiBot) -> None:
        self.bot = bot
        self._menus = (
            app_commands.ContextMenu(name=text("reports.menu_report"), callback=self.report),
            app_commands.ContextMenu(name=text("reports.menu_delete"), callback=self.delete),
        )

    async def cog_load(self) -> None:
        for menu in self._menus:
            self.bot.tree.add_command(menu)
        self.bot.services.outbox.senders[Kind.REPORT_ANSWER] = self.tell

    async def cog_unload(self) -> None:
        for menu in self._menus:
            self.bot.tree.remove_command(menu.name, type=menu.type)

    async def report(self, interaction: Interaction, message: discord.Message) -> None:
        refuse_user_install(interaction)
        job_id = await job_of(interaction, message)
        await interaction.response.send_modal(ReportModal(job_id, (message.channel.id, message.id)))

    async def delete(self, interaction: Interaction, message: discord.Message) -> None:
        refuse_user_install(interaction)
        job_id = await job_of(interaction, message)
        await ask_to_delete(interaction, job_id, message_id=message.id)

    async def tell(self, item: OutboxItem) -> None:
        """Tell a reporter the outcome of their report."""
        report_id, _, user_id = item.key.partition(":")
        answer = await self.bot.services.reports.answer(report_id, int(user_id))
        if answer is None:
            return
        with speaking(answer.locale):
            words = text(f"reports.told_{answer.state}", report=report_id)
        direct = await self.bot.create_dm(discord.Object(int(user_id)))
        nonce = f"{report_id}-{int(user_id) % 10**9}"[:25]
        if not await sent_before(self.bot, direct, item, content=words):
            await direct.send(words, nonce=nonce, allowed_mentions=discord.AllowedMentions.none())
        hit("reporter_told_unmarked")


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
            post = await posts.of_message(connection, message_id=message.id)
            if post is not None:
                entry = await entries.get(connection, entry_id=post.entry_id)
                if entry is not None:
                    return entry.job_id
    raise RefusedError("picture_not_there")


class ReportModal(Form):
    """What is wrong with a picture. `shown`: the channel and the message to look at, if any."""

    def __init__(self, job_id: str, shown: tuple[int, int] | None) -> None:
        super().__init__(text("reports.menu_report"))
        self._job_id, self._shown = job_id, shown
        self._reason = self.ask(
            text("reports.what"),
            "reason",
            required=False,
            max_length=MAX_REASON,
            style=discord.TextStyle.paragraph,
        )

    async def on_submit(self, interaction: Interaction, /) -> None:
        await begin(interaction)
        is_new = await interaction.client.services.reports.report(
            actor_of(interaction),
            self._job_id,
            shown=self._shown,
            reason=self._reason.value,
            locale=interaction.locale.value,
        )
        await say(interaction, text("reports.thanks" if is_new else "reports.again"))


setup = extension(ReportMenus, ReviewButton, ReportButton)
