"""The page of the settings panel that says which LoRAs a role may use."""

from typing import Final, Literal

import discord

from bot.loras.names import key_of
from cogs.common.lasting import Button
from cogs.common.words import cut, listed, quoted
from cogs.settings.facts import Facts
from cogs.settings.items import MAX_LABEL, MAX_OPTION, MAX_PLACEHOLDER, Item
from data.guilds.guild_loras import Allowed
from data.shipped.text import text

Mode = Literal["all", "none", "unset", "list"]
ROLE_ID: Final = "ekaki:set:lorarole"
LIST_ID: Final = "ekaki:set:loras"
MODE_ID: Final = "ekaki:set:lora"
MAX_IN_MENU: Final = 25  # Discord, of one menu
_MAX_ROLES: Final = 15  # that the page shows
_MAX_NAMES: Final = 30  # of a role


def loras_page(embed: discord.Embed, facts: Facts) -> list[Item]:
    """Fill `embed` with what each role may use; returns what changes it."""
    everyone = facts.guild.id
    roles = {everyone: "@everyone"} | {
        role.id: f"@{role.name}"
        for role in facts.guild.roles
        if role.id in facts.loras and role.id != everyone
    }
    for role_id, name in list(roles.items())[:_MAX_ROLES]:
        value = _said(facts, facts.loras.get(role_id))
        embed.add_field(name=cut(name, 100), value=value, inline=False)
    chosen = facts.role_id
    subject = "@everyone" if chosen == everyone else f"<@&{chosen}>"
    embed.add_field(name=text("settings.loras_role"), value=subject, inline=False)
    if not facts.library:
        embed.set_footer(text=text("settings.loras_empty"))
    modes: list[Mode] = ["all", "none", "list"]
    if chosen in facts.loras and chosen != everyone:
        modes.append("unset")
    items: list[Item] = [_role_menu(facts)]
    keys = [key_of(entry.name) for entry in facts.library]
    if 0 < len(keys) <= MAX_IN_MENU and all(len(key) <= MAX_OPTION for key in keys):
        items.append(_lora_menu(facts))
    return [*items, *(_button(mode, chosen) for mode in modes)]


def names_of(facts: Facts, allowed: Allowed) -> list[str]:
    """The names of allowed LoRAs as the library spells them, by key; others by their key."""
    known = {key_of(entry.name): entry.name for entry in facts.library}
    return [known.get(key, key) for key in sorted(known if allowed is None else allowed)]


def _said(facts: Facts, allowed: Allowed) -> str:
    if allowed is None:
        return text("settings.loras_all")
    known = {key_of(entry.name) for entry in facts.library}
    names = [
        quoted(name, 50)
        if key_of(name) in known
        else text("settings.loras_gone", name=quoted(name, 50))
        for name in names_of(facts, allowed)[:_MAX_NAMES]
    ]
    return cut(listed(names), 1000) or text("settings.loras_none")


def _role_menu(facts: Facts) -> Item:
    placeholder = text("settings.loras_choose_role", role=facts.role_name)
    return discord.ui.RoleSelect(
        custom_id=f"{ROLE_ID}:{facts.role_id}",
        placeholder=cut(placeholder, MAX_PLACEHOLDER),
        min_values=0,
        max_values=1,
        row=1,
    )


def _lora_menu(facts: Facts) -> Item:
    """Those of the library, the allowed ones as chosen."""
    everyones = facts.loras.get(facts.guild.id)
    allowed = facts.loras.get(facts.role_id, everyones)
    return discord.ui.Select(
        custom_id=f"{LIST_ID}:{facts.role_id}",
        placeholder=cut(text("settings.loras_choose", role=facts.role_name), MAX_PLACEHOLDER),
        min_values=0,
        max_values=len(facts.library),
        options=[
            discord.SelectOption(
                label=cut(entry.name, MAX_OPTION),
                description=cut(f"{entry.rating.label} · {', '.join(entry.triggers)}", MAX_OPTION),
                value=key_of(entry.name),
                default=allowed is None or key_of(entry.name) in allowed,
            )
            for entry in facts.library
        ],
        row=2,
    )


def _button(mode: Mode, role_id: int) -> Button:
    label = cut(text(f"settings.loras_button_{mode}"), MAX_LABEL)
    return discord.ui.Button(label=label, custom_id=f"{MODE_ID}:{mode}:{role_id}", row=3)
