"""Details and actions of an entry. No IO."""

from dataclasses import replace

import discord

from bot.common.actor import Actor
from bot.library.results import StoredPicture
from cogs.common.lasting import view_of
from cogs.common.messages import Outgoing
from cogs.common.result_buttons import Action, button
from cogs.common.words import moment
from cogs.pictures.settings_text import own_settings
from data.gallery.entries import Entry
from data.shipped.text import text


def details_message(
    entry: Entry, stored: StoredPicture, *, actor: Actor, page: str = ""
) -> Outgoing:
    """What the gallery knows about the picture, and its settings. `page`: the web page's address,
    if there is one."""
    settings = own_settings(stored.job, [stored.picture])
    embed = discord.Embed(title=text("gallery.details_title"))
    for name, value in (
        ("maker", f"<@{entry.maker_id}>"),
        ("stars", str(entry.votes)),
        ("rating", entry.rating.label),
        ("since", "" if entry.posted_at is None else moment(entry.posted_at)),
        ("state", text(f"gallery.state_{entry.state}")),
        ("id", f"`{entry.id}`"),
    ):
        if value:
            embed.add_field(name=text(f"gallery.details_{name}"), value=value)
    if entry.on_web:
        embed.set_footer(text=text("gallery.on_web"))
    buttons = _buttons(entry, actor)
    if page and entry.on_web and entry.state == "posted":
        link = f"{page}/p/{entry.id}"
        buttons.append(discord.ui.Button(label=text("gallery.see_on_web"), url=link, row=0))
    return replace(
        settings, embeds=(embed, *settings.embeds), view=view_of(buttons) if buttons else None
    )


def _buttons(entry: Entry, actor: Actor) -> "list[discord.ui.Button[discord.ui.View]]":
    moderates = actor.is_moderator and actor.guild_id == entry.guild_id
    buttons: list[discord.ui.Button[discord.ui.View]] = []
    if moderates and entry.state == "waiting":
        primary = discord.ButtonStyle.primary
        buttons.append(button(Action.APPROVE, entry.id, row=0, style=primary))
    if moderates and entry.state == "posted":
        featured = entry.featured_at is not None
        buttons.append(button(Action.UNFEATURE if featured else Action.FEATURE, entry.id, row=0))
    if entry.state != "removed" and (moderates or actor.user_id == entry.maker_id):
        danger = discord.ButtonStyle.danger
        buttons.append(button(Action.TAKE_OUT, entry.id, row=0, style=danger))
    return buttons
