"""Routes pressed buttons under pictures to their actions, and answers what nothing else handles."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import discord
from discord.ext import commands

from bot.client.client import EkakiBot, Interaction
from cogs.common.extension import extension
from cogs.common.forms import custom_id_of
from cogs.common.lasting import Button, Lasting, Select
from cogs.common.orphans import answer_orphan
from cogs.common.result_buttons import Action
from cogs.drawing.cancel import ENTRY_ID, JOB_ID
from cogs.drawing.drafts import EDIT, PLAIN, draft_in
from cogs.gallery import buttons
from cogs.pictures import again, drawing_on, keeping, more, painting, redraw_form, seed_lock
from cogs.pictures.remix_form import (
    draft_form,
    draw_plain,
    is_remix_form,
    receive,
)

_SUBJECT = rf":(?P<subject>{JOB_ID}|{ENTRY_ID})(?::(?P<extra>[0-9]{{1,20}}))?"
_MENUS: Final = {Action.PICK, Action.EXTEND}
_BUTTON = re.compile(rf"ekaki:(?P<action>{'|'.join(set(Action) - _MENUS)}){_SUBJECT}")
_MENU = re.compile(rf"ekaki:(?P<action>{'|'.join(_MENUS)}){_SUBJECT}")


async def _handle(interaction: Interaction, match: re.Match[str]) -> None:
    extra = None if match["extra"] is None else int(match["extra"])
    await _HANDLERS[Action(match["action"])](interaction, match["subject"], extra)


class ResultButton(Lasting[Button], template=_BUTTON):
    """Any button of `cogs.common.result_buttons`, rebuilt from its `custom_id`."""

    async def act(self, interaction: Interaction) -> None:
        await _handle(interaction, self.match)


class ResultMenu(Lasting[Select], template=_MENU):
    """The menu of several pictures, and that of extensions."""

    async def act(self, interaction: Interaction) -> None:
        await _handle(interaction, self.match)


_HANDLERS: Final[Mapping[Action, Callable[[Interaction, str, int | None], Awaitable[None]]]] = {
    Action.REROLL: drawing_on.reroll,
    Action.REMIX: drawing_on.remix,
    Action.AGAIN: drawing_on.again,
    Action.EDIT: drawing_on.edit,
    Action.ANOTHER: again.another,
    Action.LOCK: seed_lock.lock_seed,
    Action.WITHOUT: drawing_on.without,
    Action.IN_FULL: drawing_on.in_full,
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
    Action.REDRAW: redraw_form.redraw,
    Action.PAINT: painting.paint,
    Action.EXTEND: drawing_on.extend,
    Action.FINISH: drawing_on.finish,
    Action.FACES: drawing_on.faces,
    Action.FINISHES: more.finishes,
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


class PlainButton(Lasting[Button], template=PLAIN):
    """Draws a request that was refused because of a LoRA without LoRAs, or in full."""

    async def act(self, interaction: Interaction) -> None:
        assert interaction.message is not None, "a button stands under a message"
        draft = draft_in(interaction.message.embeds, self.match["parts"])
        await draw_plain(interaction, self.match, draft)


class WithoutButton(Lasting[Button], template=drawing_on.WITHOUT):
    """The same for a button under a picture."""

    async def act(self, interaction: Interaction) -> None:
        asked, full = drawing_on.asked_again(self.match), self.match["how"] == "infull"
        await drawing_on.draw_plain(interaction, asked, full=full)


_OURS: Final = (_BUTTON, _MENU, PLAIN, re.compile(drawing_on.WITHOUT))


def is_result_button(interaction: Interaction) -> bool:
    """Whether a button or the menu of `cogs.common.result_buttons` was used, or one that draws."""
    return any(each.fullmatch(custom_id_of(interaction)) for each in _OURS)


class ResultsCog(commands.Cog, name="Results"):
    """Handles sent forms, and answers outdated buttons and forms."""

    def __init__(self, bot: EkakiBot) -> None:
        bot.services.painting.discord = painting.PaintedInDiscord(bot)

    @commands.Cog.listener("on_interaction")
    async def interacted(self, interaction: Interaction) -> None:
        match interaction.type:
            case discord.InteractionType.modal_submit if is_remix_form(interaction):
                await receive(interaction)
            case discord.InteractionType.modal_submit if again.is_another_form(interaction):
                pass  # `cogs.pictures.again` draws it
            case discord.InteractionType.modal_submit if redraw_form.is_redraw_form(interaction):
                await redraw_form.receive(interaction)
            case discord.InteractionType.component if is_result_button(interaction):
                pass  # its own callback answers, even if that takes long
            case discord.InteractionType.modal_submit | discord.InteractionType.component:
                await answer_orphan(interaction)
            case _:
                pass


setup = extension(
    ResultsCog,
    ResultButton,
    ResultMenu,
    seed_lock.FreeSeedButton,
    EditButton,
    PlainButton,
    WithoutButton,
)
