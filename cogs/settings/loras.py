"""The actions of the page of LoRAs (`cogs.settings.loras_page` shows it)."""

from typing import Literal

import discord

from bot.client.client import Interaction
from bot.loras.names import key_of
from cogs.common.answers import hold
from cogs.common.duty import manager_of
from cogs.common.lasting import Button, Lasting, Select
from cogs.settings.facts import gather
from cogs.settings.forms import MAX_FORM, Form, add_lines
from cogs.settings.loras_page import LIST_ID, MODE_ID, ROLE_ID, names_of
from cogs.settings.pages import show_page
from data.guilds.guild_loras import Allowed
from data.shipped.text import text
from pipeline.errors import InputError


class LoraRoleMenu(
    Lasting[discord.ui.RoleSelect[discord.ui.View]], template=rf"{ROLE_ID}:(?P<shown>\d{{1,20}})"
):
    """Chooses whose LoRAs are changed; choosing the shown role returns to everyone's."""

    async def act(self, interaction: Interaction) -> None:
        manager_of(interaction)
        chosen = self.item.values[0].id if self.item.values else None
        again = str(chosen) == self.match["shown"]
        await show_page(interaction, "loras", role_id=None if again else chosen)


class LoraMenu(Lasting[Select], template=rf"{LIST_ID}:(?P<role>\d{{1,20}})"):
    """Sets which LoRAs of the library a role may use. Names that are not in it any more stay."""

    async def act(self, interaction: Interaction) -> None:
        role_id = int(self.match["role"])
        facts = await gather(interaction, role_id=role_id)
        known = {key_of(entry.name) for entry in facts.library}
        kept = (facts.loras.get(role_id) or frozenset()) - known
        await _set(interaction, role_id, kept | (known & set(self.item.values)))


class LoraButton(
    Lasting[Button], template=rf"{MODE_ID}:(?P<mode>all|none|unset|list):(?P<role>\d{{1,20}})"
):
    """Allows all or none, removes a role's rule, or opens the list as a form."""

    async def act(self, interaction: Interaction) -> None:
        manager_of(interaction)
        role_id = int(self.match["role"])
        match self.match["mode"]:
            case "all":
                await _set(interaction, role_id, None)
            case "none":
                await _set(interaction, role_id, frozenset())
            case "unset":
                await _set(interaction, role_id, "unset")
            case _:
                facts = await gather(interaction, role_id=role_id)
                allowed = facts.loras.get(role_id, facts.loras.get(facts.guild.id))
                shown = list(names_of(facts, allowed))
                if allowed is None and len("\n".join(shown)) > MAX_FORM:
                    shown = []  # too many to begin with all of them
                await interaction.response.send_modal(_list_form(role_id, shown))


async def _set(interaction: Interaction, role_id: int, allowed: Allowed | Literal["unset"]) -> None:
    actor, guild = manager_of(interaction), interaction.guild
    if guild is None or (guild.get_role(role_id) is None and allowed != "unset"):
        raise InputError("role_gone")
    await hold(interaction)
    await interaction.client.services.servers.set_loras(actor, role_id=role_id, allowed=allowed)
    await show_page(interaction, "loras", role_id=role_id)


def _list_form(role_id: int, shown: list[str]) -> Form:
    """The allowed names, one per line. InputError `words_too_long`."""

    async def save(interaction: Interaction, form: Form) -> None:
        facts = await gather(interaction, role_id=role_id)
        known = {key_of(entry.name) for entry in facts.library}
        known |= facts.loras.get(role_id) or frozenset()  # removed from the library since
        typed = [line.strip() for line in form.typed["loras"].value.splitlines() if line.strip()]
        for name in typed:
            if key_of(name) not in known:
                raise _unknown(interaction, name)
        await _set(interaction, role_id, frozenset(map(key_of, typed)))

    form = Form(text("settings.loras_form"), save)
    add_lines(form, "loras", text("settings.loras_label"), shown)
    return form


def _unknown(interaction: Interaction, name: str) -> InputError:
    near = interaction.client.services.loras.nearest(name)
    if near:
        return InputError("lora_similar", name=name[:60], similar=", ".join(near))
    return InputError("lora_unknown", name=name[:60])
