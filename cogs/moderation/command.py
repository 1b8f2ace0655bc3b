"""`/moderate`: blocks, deletions, limits of one member, and the log. For a server's moderators."""

from dataclasses import replace

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from bot.common.actor import Actor
from bot.guilds.moderators import MAX_GRANT, MAX_REASON
from bot.moderation.durations import SUGGESTED, parse_duration
from cogs.common.actors import actor_of
from cogs.common.answers import begin, say, show
from cogs.common.audit_lines import until_text
from cogs.common.duty import moderator_of, owner_of
from cogs.common.extension import extension
from cogs.common.lasting import Button, Lasting, Select
from cogs.common.messages import Outgoing
from cogs.common.words import quoted
from cogs.moderation import report_queue, review
from cogs.moderation.blocks_list import blocks_embed
from cogs.moderation.log_page import ALL, MENU_TEMPLATE, PAGE_SIZE, TEMPLATE, LogPlace, log_message
from cogs.moderation.usage_page import usage_embed
from cogs.pictures.showing import visible
from data.guilds.audit import AuditKind
from data.shipped.text import languages, text
from pipeline.errors import InputError, RefusedError

Reason = app_commands.Range[str, 1, MAX_REASON]
Pictures = app_commands.Range[int, 1, MAX_GRANT]

KINDS = [app_commands.Choice(name=text(f"audit.kind_{kind}"), value=kind) for kind in AuditKind]


async def suggest_durations(
    _interaction: Interaction, typed: str
) -> list[app_commands.Choice[str]]:
    """Suggestions; what is typed comes first if it is valid."""
    named = [each for each in SUGGESTED if typed.strip().casefold() in each]
    try:
        own = [typed.strip()[:100]] if parse_duration(typed) is not None else []
    except InputError:
        own = []
    values = dict.fromkeys([*own, *(named or SUGGESTED)])
    return [app_commands.Choice(name=value, value=value) for value in values][:25]


@app_commands.default_permissions(manage_messages=True)
@app_commands.allowed_contexts(guilds=True, dms=False, private_channels=False)
class Moderate(
    commands.GroupCog, group_name="moderate", group_description=text("moderate.description")
):
    """Actions about people and pictures."""

    @app_commands.command(name="block", description=text("moderate.block"))
    @app_commands.describe(
        user=text("moderate.option_user"),
        duration=text("moderate.option_duration"),
        reason=text("moderate.option_reason"),
    )
    async def block(
        self,
        interaction: Interaction,
        user: discord.User,
        duration: str | None = None,
        reason: Reason = "",
    ) -> None:
        actor = moderator_of(interaction)
        await begin(interaction)
        made = await interaction.client.services.moderators.block(
            actor,
            subject_id=user.id,
            duration_s=parse_duration(duration),
            reason=reason,
        )
        until = until_text(made.until)
        await say(interaction, text("moderate.blocked", user=user.mention, until=until))

    block.autocomplete("duration")(suggest_durations)

    @app_commands.command(name="unblock", description=text("moderate.unblock"))
    @app_commands.describe(user=text("moderate.option_unblock"))
    async def unblock(self, interaction: Interaction, user: discord.User) -> None:
        actor = moderator_of(interaction)
        await begin(interaction)
        await interaction.client.services.moderators.unblock(actor, subject_id=user.id)
        await say(interaction, text("moderate.unblocked", user=user.mention))

    @app_commands.command(name="blocks", description=text("moderate.blocks"))
    async def blocks(self, interaction: Interaction) -> None:
        actor = moderator_of(interaction)
        found = await interaction.client.services.moderators.blocks(actor)
        await say(interaction, embeds=[blocks_embed(found)])

    @app_commands.command(name="delete", description=text("moderate.delete"))
    @app_commands.describe(id=text("moderate.option_id"), reason=text("moderate.option_reason"))
    async def delete(
        self,
        interaction: Interaction,
        id: str,  # noqa: A002 - its name
        reason: Reason = "",
    ) -> None:
        moderator_of(interaction)
        await begin(interaction)
        job, _ = await visible(interaction, id)
        # the moderator's own from elsewhere: not by this command
        if job.guild_id != interaction.guild_id:
            raise RefusedError("job_unknown")
        await interaction.client.services.results.delete(
            job.id, actor=actor_of(interaction), reason=reason
        )
        await say(
            interaction,
            text("moderate.deleted", user=f"<@{job.user_id}>", job=quoted(job.id, 20)),
        )

    @app_commands.command(name="reset", description=text("moderate.reset"))
    @app_commands.describe(user=text("moderate.option_user"))
    async def reset(self, interaction: Interaction, user: discord.User) -> None:
        actor = moderator_of(interaction)
        await begin(interaction)
        await interaction.client.services.moderators.reset(actor, user_id=user.id)
        await say(interaction, text("moderate.was_reset", user=user.mention))

    @app_commands.command(name="grant", description=text("moderate.grant"))
    @app_commands.describe(
        user=text("moderate.option_user"), pictures=text("moderate.option_pictures")
    )
    async def grant(self, interaction: Interaction, user: discord.User, pictures: Pictures) -> None:
        actor = moderator_of(interaction)
        await begin(interaction)
        left = await interaction.client.services.moderators.grant(
            actor, user_id=user.id, pictures=pictures
        )
        await say(interaction, text("moderate.granted", user=user.mention, left=left))

    @app_commands.command(name="review", description=text("moderate.review"))
    async def review(self, interaction: Interaction) -> None:
        await review.show_first(interaction)

    @app_commands.command(name="reports", description=text("moderate.reports"))
    async def reports(self, interaction: Interaction) -> None:
        await report_queue.show_first(interaction)

    @app_commands.command(name="usage", description=text("moderate.usage"))
    async def usage(self, interaction: Interaction) -> None:
        actor = moderator_of(interaction)
        await begin(interaction)
        found = await interaction.client.services.moderators.usage(actor)
        await say(interaction, embeds=[usage_embed(found)])

    @app_commands.command(name="log", description=text("moderate.log"))
    @app_commands.describe(user=text("moderate.option_log_user"), kind=text("moderate.option_kind"))
    @app_commands.choices(kind=KINDS)
    async def log(
        self,
        interaction: Interaction,
        user: discord.User | None = None,
        kind: str | None = None,
    ) -> None:
        actor = moderator_of(interaction)
        place = LogPlace(kind=kind_of(kind), user_id=0 if user is None else user.id)
        await show(interaction, await log_of(interaction, actor, place))


def kind_of(typed: str | None) -> str:
    """The chosen kind of entries: clients may send a choice's name instead of its value."""
    if typed is None:
        return ALL
    for kind in AuditKind:
        names = {kind.value, *(text(f"audit.kind_{kind}", locale=each) for each in languages())}
        if typed.strip().casefold() in {name.casefold() for name in names}:
            return kind
    choices = tuple(text(f"audit.kind_{kind}") for kind in AuditKind)
    raise InputError("choice_unknown", value=typed, choices=choices)


async def log_of(interaction: Interaction, actor: Actor, place: LogPlace) -> Outgoing:
    """A page of the log that belongs to `actor`."""
    page = await interaction.client.services.moderators.log(
        actor.guild_id,
        kinds=() if place.kind == ALL else (place.kind,),
        user_id=place.user_id or None,
        page=place.page,
        page_size=PAGE_SIZE,
    )
    return log_message(page, place)


async def _turn(interaction: Interaction, place: LogPlace) -> None:
    actor = await owner_of(interaction) if place.owners else moderator_of(interaction)
    shown = await log_of(interaction, actor, place)
    await interaction.response.edit_message(embeds=list(shown.embeds), view=shown.view)


class LogButton(Lasting[Button], template=TEMPLATE):
    """Turns the log to another page."""

    async def act(self, interaction: Interaction) -> None:
        await _turn(interaction, LogPlace.parse(self.match))


class LogMenu(
    Lasting[Select],
    template=MENU_TEMPLATE,
):
    """Shows entries of one kind only."""

    async def act(self, interaction: Interaction) -> None:
        place = replace(LogPlace.parse(self.match), page=0, kind=self.item.values[0])
        await _turn(interaction, place)


setup = extension(lambda _: Moderate(), LogButton, LogMenu)
