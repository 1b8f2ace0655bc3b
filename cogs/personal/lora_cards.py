"""The LoRAs of a place as cards, one for each page: what it is, and who may use it. Pure."""

from typing import Final

import discord

from bot.library.loras import LoraChoice
from bot.loras.library import LoraEntry
from bot.loras.names import key_of
from bot.moderation.loras import LoraRule
from cogs.common.lasting import Button, turn, view_of
from cogs.common.messages import Attachment, Outgoing
from cogs.common.words import listed, number, quoted
from cogs.common.words import size as bytes_label
from data.shipped.text import text
from pipeline.lora.typed import strength_text
from pipeline.prompt.flags_line import settings_line
from pipeline.request import GenerationRequest

PAGE_ID: Final = "ekaki:lora"
USE_ID: Final = "ekaki:uselora"
_MAX_ROLES: Final = 10  # that a card names
_NAME: Final = 60  # characters
_TEXT: Final = 300


def card(
    choice: LoraChoice, page: int, *, guild_id: int | None, preview: Attachment | None
) -> Outgoing:
    """Page `page` (from 0; the last one if there are fewer). `preview`: the picture of that one."""
    if not choice.shown:
        embed = discord.Embed(title=text("loras.title"), description=text("loras.none"))
        return Outgoing(embeds=(embed,))
    page = page_within(choice, page)
    entry, last = choice.shown[page], len(choice.shown) - 1
    embed = discord.Embed(title=quoted(entry.name, _NAME))
    for key, value in _facts(choice, entry, guild_id).items():
        if value:
            embed.add_field(name=text(f"loras.{key}"), value=value, inline=len(value) < _NAME)
    embed.set_footer(text=text("loras.page", page=page + 1, pages=last + 1))
    if preview is not None:
        embed.set_image(url=f"attachment://{preview.name}")
    buttons = [
        turn("loras.earlier", f"{PAGE_ID}:p:{page - 1 if page else 0}", row=0, usable=page > 0),
        turn("loras.later", f"{PAGE_ID}:n:{page + 1}", row=0, usable=page < last),
        Button(
            label=text("loras.use"),
            style=discord.ButtonStyle.primary,
            custom_id=f"{USE_ID}:{entry.name}",
            disabled=not choice.rule.allows(entry.name),
            row=0,
        ),
    ]
    attachments = () if preview is None else (preview,)
    return Outgoing(embeds=(embed,), attachments=attachments, view=view_of(buttons))


def page_within(choice: LoraChoice, page: int) -> int:
    """`page`, or the last one that there is."""
    return max(0, min(page, len(choice.shown) - 1))


def _facts(choice: LoraChoice, entry: LoraEntry, guild_id: int | None) -> dict[str, str]:
    """The fields of a card by key; empty ones are not shown."""
    count = choice.pictures.get(key_of(entry.name), 0)
    return {
        "triggers": ", ".join(f"`{each.replace('`', chr(39))}`" for each in entry.triggers)[:_TEXT],
        "strength": number(entry.strength),
        "recipe": _recipe(entry),
        "author": quoted(entry.author, _TEXT),
        "licence": quoted(entry.licence, _TEXT),
        "source": quoted(entry.source, _TEXT),
        "base": quoted(entry.base, _TEXT),
        "size": text("loras.size_value", rank=entry.rank, size=bytes_label(entry.size_bytes)),
        "rating": text("loras.rating_value", rating=entry.rating.label),
        "where": _where(choice, entry, guild_id),
        "drawn": text("loras.pictures", count=count) if count else "",
        "typed": f"`<lora:{entry.name}:{strength_text(entry.strength)}>`",
    }


def _recipe(entry: LoraEntry) -> str:
    """Its settings as flags, as a person may type them too."""
    line = settings_line(GenerationRequest(**entry.recipe.said))
    return f"`{line}`" if line else ""


def _where(choice: LoraChoice, entry: LoraEntry, guild_id: int | None) -> str:
    """Who may use it in this server."""
    if guild_id is None:
        return text("loras.where_everyone")
    everyone = LoraRule(names=choice.allowed.get(guild_id)).allows(entry.name)
    own = {role: LoraRule(names=names) for role, names in choice.allowed.items()}
    own.pop(guild_id, None)
    allowed = [f"<@&{role}>" for role, rule in own.items() if rule.allows(entry.name)]
    others = [f"<@&{role}>" for role, rule in own.items() if not rule.allows(entry.name)]
    if everyone and others:
        return text("loras.where_except", roles=listed(others[:_MAX_ROLES]))
    if everyone:
        return text("loras.where_everyone")
    if allowed:
        return text("loras.where_roles", roles=listed(allowed[:_MAX_ROLES]))
    return text("loras.where_nobody")
