"""From a pressed button under pictures to what it does; and what answers when nothing else does."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

import discord
from discord.ext import commands

from bot.client.client import EkakiBot
from cogs import errors, gallery_buttons, result_drawing, result_keeping
from cogs.buttons import ENTRY_ID, JOB_ID
from cogs.lasting import Button, Lasting
from cogs.orphans import answer_orphan
from cogs.remix_modal import custom_id_of, is_remix_form, receive
from cogs.result_view import Action

Interaction: TypeAlias = discord.Interaction[EkakiBot]

_CUSTOM_ID = re.compile(
    rf"ekaki:(?P<action>{'|'.join(Action)}):(?P<subject>{JOB_ID}|{ENTRY_ID})(?::(?P<extra>[0-9]{{1,20}}))?"
)


class ResultButton(Lasting[Button], template=_CUSTOM_ID):
    """Any button of `cogs.result_view`, rebuilt from its `custom_id`."""

    async def act(self, interaction: Interaction) -> None:
        extra = self.match["extra"]
        await _HANDLERS[Action(self.match["action"])](
            interaction, self.match["subject"], None if extra is None else int(extra)
        )


_HANDLERS: Final[Mapping[Action, Callable[[Interaction, str, int | None], Awaitable[None]]]] = {
    Action.REROLL: result_drawing.reroll,
    Action.REMIX: result_drawing.remix,
    Action.SETTINGS: result_drawing.settings,
    Action.FAVOURITES: result_keeping.favourites,
    Action.DELETE: result_keeping.delete,
    Action.ERASE: result_keeping.erase,
    Action.KEEP: result_keeping.keep,
    Action.SUBTLE: result_drawing.subtle,
    Action.STRONG: result_drawing.strong,
    Action.UPSCALE: result_drawing.upscale,
    Action.FAVOURITE: result_keeping.favourite,
    Action.STAR: result_keeping.star,
    Action.VOTE: gallery_buttons.vote,
    Action.VOTES: gallery_buttons.votes,
    Action.SHARE: gallery_buttons.share,
    Action.SHARES: gallery_buttons.shares,
    Action.SHARE_SURE: gallery_buttons.share_sure,
    Action.DETAILS: gallery_buttons.details,
    Action.APPROVE: gallery_buttons.approve,
    Action.TAKE_OUT: gallery_buttons.take_out,
    Action.FEATURE: gallery_buttons.feature,
    Action.UNFEATURE: gallery_buttons.unfeature,
    Action.REPORT: gallery_buttons.report,
}


def is_result_button(interaction: Interaction) -> bool:
    """Whether a button of `cogs.result_view` was pressed."""
    return _CUSTOM_ID.fullmatch(custom_id_of(interaction)) is not None


class ResultsCog(commands.Cog, name="Results"):
    """Takes sent forms, and answers for buttons and forms that nobody knows any more."""

    @commands.Cog.listener("on_interaction")
    async def interacted(self, interaction: Interaction) -> None:
        match interaction.type:
            case discord.InteractionType.modal_submit if is_remix_form(interaction):
                await receive(interaction)
            case discord.InteractionType.component if is_result_button(interaction):
                pass  # its own callback answers, even where that takes long
            case discord.InteractionType.modal_submit | discord.InteractionType.component:
                await answer_orphan(interaction)
            case _:
                pass


async def setup(bot: EkakiBot) -> None:
    """Called by discord.py when the extension is loaded."""
    errors.install(bot)
    bot.add_dynamic_items(ResultButton)
    await bot.add_cog(ResultsCog())
