"""The pages of the settings panel: values as text (`cogs.settings.values`), with menus and buttons
that change them (`cogs.settings.items`).
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import discord

from bot.client.client import Interaction
from cogs.common.answers import change, hold
from cogs.common.audit_lines import refusal_line
from cogs.common.duty import manager_of
from cogs.common.lasting import view_of
from cogs.common.messages import Outgoing
from cogs.common.words import cut, listed
from cogs.settings.facts import Facts, gather
from cogs.settings.items import (
    Item,
    PanelPage,
    button,
    controls,
    language_menu,
    page_menu,
    role_menu,
    setting_button,
    speed_menu,
    tags_menu,
)
from cogs.settings.loras_page import loras_page
from cogs.settings.values import limits_line, said
from data.guilds.server_settings import SETTINGS, LimitSet, Setting
from data.shipped.text import text
from pipeline.rating import Rating


def panel(page: PanelPage, facts: Facts) -> Outgoing:
    """A page of the panel."""
    embed = discord.Embed(title=text(f"settings.page_{page}"))
    embed.description = text(f"settings.about_{page}")
    build = {
        "here": _here,
        "ratings": _ratings,
        "channels": _channels,
        "words": _words,
        "limits": _limits,
        "loras": loras_page,
        "gallery": _gallery,
        "setup": _setup,
        "tags": _tags,
    }[page]
    items = build(embed, facts)
    shown = items if page == "setup" else [page_menu(page), *items]
    return Outgoing(embeds=(embed,), view=view_of(shown))


async def show_page(
    interaction: Interaction, page: PanelPage, *, role_id: int | None = None
) -> None:
    """Put a page into the message that was used."""
    shown = panel(page, await gather(interaction, role_id=role_id))
    await change(interaction, embeds=shown.embeds, view=shown.view)


async def set_values(interaction: Interaction, page: PanelPage, **values: Any) -> None:
    """Set fields of GuildSettings, then show a page."""
    actor = manager_of(interaction)
    await hold(interaction)
    await interaction.client.services.servers.change(actor, lambda made: replace(made, **values))
    await show_page(interaction, page)


def rows_of(page: PanelPage) -> list[Setting]:
    """The settings of a page, in order."""
    if page == "setup":
        first = [row for row in SETTINGS.values() if row.first_steps]
        return sorted(first, key=lambda row: row.first_steps)
    return [row for row in SETTINGS.values() if row.page == page and row.control != "none"]


def _field(embed: discord.Embed, key: str, value: str) -> None:
    shown = value if len(value) <= 1024 else value[:1023] + "…"
    embed.add_field(name=text(f"settings.{key}"), value=shown, inline=False)


def _fields(embed: discord.Embed, facts: Facts, rows: Iterable[Setting]) -> None:
    """The values of settings, grouped by heading."""
    lines: dict[str, list[str]] = {}
    for row in rows:
        lines.setdefault(row.heading, []).append(said(facts, row))
    for heading, found in lines.items():
        _field(embed, heading, "\n".join(found))


def _permissions(embed: discord.Embed, facts: Facts) -> None:
    """The permissions that the bot lacks, one line per channel."""
    lines = [
        text(
            "settings.missing",
            channel=facts.mention(channel_id),
            permissions=listed(text(f"permissions.{name}") for name in names),
        )
        for channel_id, names in facts.missing.items()
    ]
    _field(embed, "permissions", "\n".join(lines) or text("settings.nothing_missing"))


def _refusals(embed: discord.Embed, facts: Facts) -> None:
    """What Discord rejects, so that managers see why something is missing."""
    if facts.parked:
        _field(embed, "refused", "\n".join(refusal_line(item) for item in facts.parked))


def _here(embed: discord.Embed, facts: Facts) -> list[Item]:
    """The rules in this channel, and why they apply."""
    settings, channel = facts.settings, facts.guild.get_channel(facts.channel_id)
    name = str(facts.channel_id) if channel is None else channel.name
    embed.title = text("settings.here_title", channel=f"#{name}")
    usual = min(facts.ratings.default or Rating.SAFE, facts.ceiling.rating)
    shown = text("settings.usual", rating=usual.label)
    _field(embed, "ratings", f"{_highest(facts)}\n{shown}")
    allowed = not settings.allowed_channels or facts.channel_id in settings.allowed_channels
    _field(embed, "drawing", text("settings.drawing_yes" if allowed else "settings.drawing_no"))
    blocked, exceptions = len(facts.words.blocked), len(facts.words.allowed)
    _field(embed, "words", text("settings.word_count", blocked=blocked, allowed=exceptions))
    everyones = limits_line(facts.limits.get(facts.guild.id, LimitSet()))
    most = text("settings.bound", value=limits_line(facts.bounds, none="none"))
    _field(embed, "limits", f"{everyones}\n{most}")
    _fields(embed, facts, (row for row in SETTINGS.values() if row.heading == "log_channel"))
    _permissions(embed, facts)
    _refusals(embed, facts)
    _fields(embed, facts, rows_of("here"))
    return [
        setting_button(facts, SETTINGS["blocked"], row=1),  # what is changed most
        button("go", "setup", row=1),
        language_menu(settings.language, row=2),
        speed_menu(facts, row=3),
    ]


def _highest(facts: Facts) -> str:
    why = text(f"ceiling.{facts.ceiling.reason}")
    return text("settings.up_to", rating=facts.ceiling.rating.label, why=why)


def _ratings(embed: discord.Embed, facts: Facts) -> list[Item]:
    _fields(embed, facts, rows_of("ratings"))
    _field(embed, "effective", _highest(facts))
    return controls(facts, rows_of("ratings"), page="ratings", row=1)


def _channels(embed: discord.Embed, facts: Facts) -> list[Item]:
    _fields(embed, facts, rows_of("channels"))
    _permissions(embed, facts)
    return controls(facts, rows_of("channels"), page="channels", row=1)


def _words(embed: discord.Embed, facts: Facts) -> list[Item]:
    rows = sorted(rows_of("words"), key=lambda row: row.control != "words")  # lists come first
    _fields(embed, facts, rows)
    forms = [setting_button(facts, each, row=1) for each in rows]
    lists = [each for each in rows if each.control == "words"]
    return [*forms, *(button("file", each.key, row=2) for each in lists)]


def _limits(embed: discord.Embed, facts: Facts) -> list[Item]:
    """Everyone's limits, those of roles with their own, and a menu to choose a role."""
    _field(embed, "bounds", limits_line(facts.bounds, none="none"))
    everyone = facts.guild.id
    roles = {everyone: "@everyone"} | {
        role.id: f"@{role.name}"
        for role in facts.guild.roles
        if role.id in facts.limits and role.id != everyone
    }
    for role_id, name in list(roles.items())[:15]:
        line = limits_line(facts.limits.get(role_id, LimitSet()))
        embed.add_field(name=cut(name, 100), value=line, inline=False)
    chosen, name = facts.role_id, facts.role_name
    subject = "@everyone" if chosen == everyone else f"<@&{chosen}>"
    _field(embed, "chosen_role", subject)
    return [
        role_menu(facts, row=1),
        button("form", "amounts", role_id=chosen, row=2, shown=name),
        button("form", "requests", role_id=chosen, row=2, shown=name),
    ]


def _gallery(embed: discord.Embed, facts: Facts) -> list[Item]:
    _fields(embed, facts, rows_of("gallery"))
    items = controls(facts, rows_of("gallery"), page="gallery", row=1)
    if facts.forums:
        _fields(embed, facts, rows_of("tags"))
        items.append(button("go", "tags", row=4))
    _refusals(embed, facts)
    return items


def _tags(embed: discord.Embed, facts: Facts) -> list[Item]:
    """The tags of the gallery's forums."""
    _fields(embed, facts, rows_of("tags"))
    return [tags_menu(facts, forum, row=row) for row, forum in enumerate(facts.forums, 1)]


def _setup(embed: discord.Embed, facts: Facts) -> list[Item]:
    """Everything that a new server has to decide, on one page."""
    rows = rows_of("setup")
    _fields(embed, facts, rows)
    _permissions(embed, facts)
    done = button("go", "done", row=4, style=discord.ButtonStyle.success)
    return [*controls(facts, rows, page="setup", row=0), done]
