"""Routes pressed buttons under pictures to their actions, and answers what nothing else handles."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import discord
from discord.ext import commands

from bot.client.client import Interaction
from cogs.common.extension import extension
from cogs.common.lasting import Button, Lasting, Select
from cogs.common.orphans import answer_orphan
from cogs.common.result_buttons import Action
from cogs.drawing.cancel import ENTRY_ID, JOB_ID
from cogs.drawing.drafts import EDIT, draft_in
from cogs.gallery import buttons
from cogs.pictures import drawing_on, keeping, more
from cogs.pictures.remix_form import custom_id_of, draft_form, is_remix_form, receive

_SUBJECT = rf":(?P<subject>{JOB_ID}|{ENTRY_ID})(?::(?P<extra>[0-9]{{1,20}}))?"
_BUTTON = re.compile(rf"ekaki:(?P<action>{'|'.join(set(Action) - {Action.PICK})}){_SUBJECT}")
_MENU = re.compile(rf"ekaki:(?P<action>{Action.PICK}){_SUBJECT}")


async def _handle(interaction: Interaction, match: re.Match[str]) -> None:
    extra = None if match["extra"] is None else int(match["extra"])
    await _HANDLERS[Action(match["action"])](interaction, match["subject"], extra)


class ResultButton(Lasting[Button], template=_BUTTON):
    """Any button of `cogs.common.result_buttons`, rebuilt from its `custom_id`."""

    async def act(self, interaction: Interaction) -> None:
        await _handle(interaction, self.match)


class ResultMenu(Lasting[Select], template=_MENU):
    """The menu of several pictures."""

    async def act(self, interaction: Interaction) -> None:
        await _handle(interaction, self.match)


_HANDLERS: Final[Mapping[Action, Callable[[Interaction, str, int | None], Awaitable[None]]]] = {
    Action.REROLL: drawing_on.reroll,
    Action.REMIX: drawing_on.remix,
    Action.AGAIN: drawing_on.again,
    Action.EDIT: drawing_on.edit,
    Action.WITHOUT: drawing_on.without,
    Action.SETTINGS: drawing_on.settings,
    Action.MORE: more.more,
    Action.MORES: more.mores,
    Action.VARIES: more.varies,
    Action.UPSCALES: more.upscales,
    Action.PICK: more.pick,
    Action.FAVOURITES: keeping.favourites,
    Action.DELETE: keeping.delete,
    Action.ERASE: keeping.erase,
    Action.KEEP: keeping.keep,
    Action.SUBTLE: drawing_on.subtle,
    Action.STRONG: drawing_on.strong,
    Action.UPSCALE: drawing_on.upscale,
    Action.FAVOURITE: keeping.favourite,
    Action.STAR: keeping.star,
    Action.VOTE: buttons.vote,
    Action.VOTES: buttons.votes,
    Action.SHARE: buttons.share,
    Action.SHARES: buttons.shares,
    Action.SHARE_SURE: buttons.share_sure,
    Action.DETAILS: buttons.details,
    Action.APPROVE: buttons.approve,
    Action.TAKE_OUT: buttons.take_out,
    Action.FEATURE: buttons.feature,
    Action.UNFEATURE: buttons.unfeature,
    Action.REPORT: buttons.report,
}


class EditButton(Lasting[Button], template=EDIT):
    """Opens what was typed for a request that was refused."""

    async def act(self, interaction: Interaction) -> None:
        assert interaction.message is not None, "a button stands under a message"
        draft = draft_in(interaction.message.embeds, self.match["parts"])
        await interaction.response.send_modal(draft_form(draft, self.match))


def is_result_button(interaction: Interaction) -> bool:
    """Whether a button or the menu of `cogs.common.result_buttons` was used."""
    pressed = custom_id_of(interaction)
    return _BUTTON.fullmatch(pressed) is not None or _MENU.fullmatch(pressed) is not None


class ResultsCog(commands.Cog, name="Results"):
    """Handles sent forms, and answers outdated buttons and forms."""

    @commands.Cog.listener("on_interaction")
    async def interacted(self, interaction: Interaction) -> None:
        match interaction.type:
            case discord.InteractionType.modal_submit if is_remix_form(interaction):
                await receive(interaction)
            case discord.InteractionType.component if is_result_button(interaction):
                pass  # its own callback answers, even if that takes long
            case discord.InteractionType.modal_submit | discord.InteractionType.component:
                await answer_orphan(interaction)
            case _:
                pass


setup = extension(lambda _: ResultsCog(), ResultButton, ResultMenu, EditButton)
