"""`/owner`: administration of the whole bot, only for its owner, wherever it is shown."""

from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot, Interaction
from bot.common.actor import Actor
from bot.guilds.moderators import MAX_GRANT, MAX_REASON
from bot.moderation.durations import parse_duration
from cogs.common import errors
from cogs.common.answers import begin, say, show
from cogs.common.audit_lines import until_text
from cogs.common.duty import owner_of
from cogs.common.rest import rest_words
from cogs.moderation.announcement import announce, enter
from cogs.moderation.blocks_list import blocks_embed
from cogs.moderation.command import log_of, suggest_durations
from cogs.moderation.hosts_page import hosts_embed
from cogs.moderation.log_page import LogPlace
from cogs.moderation.status_page import DrawingState, paused_text, status_embed
from data.guilds.blocks import Subject
from data.shipped.text import text
from data.store.ids import snowflake
from pipeline.errors import InputError

Reason = app_commands.Range[str, 1, MAX_REASON]
Pictures = app_commands.Range[int, 1, MAX_GRANT]
HostName = app_commands.Range[str, 1, 32]
Moment = app_commands.Range[str, 1, 40]
Words = app_commands.Range[str, 1, 500]


@app_commands.default_permissions(administrator=True)
class Owner(commands.GroupCog, group_name="owner", group_description=text("owner.description")):
    """Actions about everything."""

    @app_commands.command(name="block", description=text("owner.block"))
    @app_commands.describe(
        user=text("owner.option_user"),
        server=text("owner.option_server"),
        duration=text("moderate.option_duration"),
        reason=text("moderate.option_reason"),
    )
    async def block(
        self,
        interaction: Interaction,
        user: discord.User | None = None,
        server: str | None = None,
        duration: str | None = None,
        reason: Reason = "",
    ) -> None:
        await begin(interaction)
        actor = await owner_of(interaction)
        subject, subject_id, who = _subject(user, server)
        made = await interaction.client.services.moderators.block(
            actor,
            subject=subject,
            subject_id=subject_id,
            duration_s=parse_duration(duration),
            reason=reason,
        )
        until = until_text(made.until)
        await say(interaction, text("owner.blocked", who=who, until=until))

    block.autocomplete("duration")(suggest_durations)

    @app_commands.command(name="unblock", description=text("owner.unblock"))
    @app_commands.describe(user=text("owner.option_user"), server=text("owner.option_server"))
    async def unblock(
        self,
        interaction: Interaction,
        user: discord.User | None = None,
        server: str | None = None,
    ) -> None:
        await begin(interaction)
        actor = await owner_of(interaction)
        subject, subject_id, who = _subject(user, server)
        await interaction.client.services.moderators.unblock(
            actor, subject=subject, subject_id=subject_id
        )
        await say(interaction, text("owner.unblocked", who=who))

    @app_commands.command(name="blocks", description=text("owner.blocks"))
    async def blocks(self, interaction: Interaction) -> None:
        actor = await owner_of(interaction)
        found = await interaction.client.services.moderators.blocks(actor)
        await say(interaction, embeds=[blocks_embed(found)])

    @app_commands.command(name="reset", description=text("owner.reset"))
    @app_commands.describe(user=text("owner.option_user"))
    async def reset(self, interaction: Interaction, user: discord.User) -> None:
        await begin(interaction)
        actor = await owner_of(interaction)
        await interaction.client.services.moderators.reset(actor, user_id=user.id)
        await say(interaction, text("owner.was_reset", user=user.mention))

    @app_commands.command(name="grant", description=text("owner.grant"))
    @app_commands.describe(
        user=text("owner.option_user"), pictures=text("moderate.option_pictures")
    )
    async def grant(self, interaction: Interaction, user: discord.User, pictures: Pictures) -> None:
        await begin(interaction)
        actor = await owner_of(interaction)
        left = await interaction.client.services.moderators.grant(
            actor, user_id=user.id, pictures=pictures
        )
        await say(interaction, text("owner.granted", user=user.mention, left=left))

    @app_commands.command(name="maintenance", description=text("owner.maintenance"))
    @app_commands.describe(state=text("owner.option_state"), reason=text("owner.option_told"))
    async def maintenance(
        self, interaction: Interaction, state: Literal["on", "off"], reason: Reason = ""
    ) -> None:
        await begin(interaction)
        actor = await owner_of(interaction)
        moderators = interaction.client.services.moderators
        await moderators.set_maintenance(actor, on=state == "on", reason=reason)
        key = "maintenance_on" if state == "on" else "maintenance_off"
        await say(interaction, text(f"owner.{key}"))

    @app_commands.command(name="pause", description=text("owner.pause"))
    @app_commands.rename(duration="for")
    @app_commands.describe(
        until=text("owner.option_until"),
        duration=text("owner.option_for"),
        requests=text("owner.option_requests"),
    )
    async def pause(
        self,
        interaction: Interaction,
        until: Moment | None = None,
        duration: str | None = None,
        requests: Literal["accept", "refuse"] = "accept",
    ) -> None:
        await begin(interaction)
        actor = await owner_of(interaction)
        services = interaction.client.services
        made = await services.sharing.pause(
            actor,
            until=services.sharing.end_of_pause(until, parse_duration(duration)),
            refuses=requests == "refuse",
        )
        await say(interaction, paused_text(made, waiting=services.jobs.queue_counts().waiting))

    pause.autocomplete("duration")(suggest_durations)

    @app_commands.command(name="resume", description=text("owner.resume"))
    async def resume_drawing(self, interaction: Interaction) -> None:
        await begin(interaction)
        actor = await owner_of(interaction)
        sharing = interaction.client.services.sharing
        await sharing.resume(actor)
        rest = sharing.rest_here
        words = text("owner.resumed")
        await say(interaction, words if rest is None else f"{words}\n{rest_words(rest)}")

    @app_commands.command(name="log", description=text("owner.log"))
    @app_commands.describe(user=text("moderate.option_log_user"))
    async def log(self, interaction: Interaction, user: discord.User | None = None) -> None:
        actor = await owner_of(interaction)
        place = LogPlace(user_id=0 if user is None else user.id, owners=True)
        await show(interaction, await log_of(interaction, actor, place))

    @app_commands.command(name="announce", description=text("owner.announce"))
    @app_commands.describe(words=text("owner.option_words"))
    async def announce(self, interaction: Interaction, words: Words) -> None:
        await begin(interaction)
        actor: Actor = await owner_of(interaction)
        told = await announce(interaction.client, words)
        await interaction.client.services.moderators.announced(actor, words=words, people=told)
        await say(interaction, text("owner.announced", people=told))

    @app_commands.command(name="status", description=text("owner.status"))
    async def status(self, interaction: Interaction) -> None:
        await owner_of(interaction)
        backups = interaction.client.services.backups
        note = backups.note if backups.every_s else None
        shards = interaction.client.shard_views()
        services = interaction.client.services
        drawing = DrawingState(
            rest=services.jobs.runner.engines.rest,
            electricity=services.jobs.runner.electricity.total,
            engines=services.jobs.runner.engines.states,
        )
        await say(interaction, embeds=[status_embed(shards, backup=note, drawing=drawing)])

    @app_commands.command(name="hosts", description=text("owner.hosts"))
    async def hosts(self, interaction: Interaction) -> None:
        await owner_of(interaction)
        hosts = interaction.client.services.hosts
        if hosts is None:
            await say(interaction, text("owner.hosts_off"))
            return
        await say(interaction, embeds=[hosts_embed(hosts.view(), problem=hosts.problem)])

    host = app_commands.Group(name="host", description=text("owner.host"))

    @host.command(name="drain", description=text("owner.host_drain"))
    @app_commands.describe(name=text("owner.option_host"))
    async def drain(self, interaction: Interaction, name: HostName) -> None:
        await _rest(interaction, name, resting=True)

    @host.command(name="resume", description=text("owner.host_resume"))
    @app_commands.describe(name=text("owner.option_host"))
    async def resume(self, interaction: Interaction, name: HostName) -> None:
        await _rest(interaction, name, resting=False)

    @drain.autocomplete("name")
    @resume.autocomplete("name")
    async def suggest_hosts(
        self, interaction: Interaction, typed: str
    ) -> list[app_commands.Choice[str]]:
        hosts = interaction.client.services.hosts
        if hosts is None or not await interaction.client.is_owner(interaction.user):
            return []
        names = sorted({view.host for view in hosts.view() if typed.lower() in view.host})
        return [app_commands.Choice(name=name, value=name) for name in names[:25]]


async def _rest(interaction: Interaction, name: str, *, resting: bool) -> None:
    await begin(interaction)
    await owner_of(interaction)
    hosts = interaction.client.services.hosts
    if hosts is None or not await hosts.drain(name, resting=resting):
        raise InputError("host_unknown", name=name)
    await say(interaction, text("owner.host_rests" if resting else "owner.host_draws", name=name))


def _subject(user: discord.User | None, server: str | None) -> tuple[Subject, int, str]:
    """The chosen person or server, and how to name it. InputError unless it is exactly one."""
    if (user is None) == (server is None):
        raise InputError("one_subject")
    if user is not None:
        return "user", user.id, user.mention
    typed = (server or "").strip()
    guild_id = snowflake(typed)
    if not guild_id:
        raise InputError("server_id", value=typed[:30])
    return "guild", guild_id, f"`{guild_id}`"


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    errors.install(bot)
    enter(bot)
    await bot.add_cog(Owner())
