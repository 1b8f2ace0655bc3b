"""The buttons under finished pictures. They contain only an id; `cogs.picture_buttons` handles
them.

So a message keeps its buttons through restarts and upgrades without using memory.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeAlias

import discord

from cogs.common.lasting import view_of
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text
from pipeline.errors import EkakiError

_ROW_LENGTH = 5  # buttons in a row, Discord
_MENU_LENGTH = 25  # options of a menu, Discord

Button: TypeAlias = "discord.ui.Button[discord.ui.View]"


class Action(StrEnum):
    """What a button does. These words stay in old messages: never change or reuse one."""

    REROLL = "reroll"  # a job
    REMIX = "remix"  # a job
    AGAIN = "again"  # a job that ended without pictures, as the next one: its owner's alone
    EDIT = "edit"
    WITHOUT = "without"  # without LoRAs: one was removed or forbidden while the job waited
    SETTINGS = "settings"  # a job
    MORE = "more"  # a picture: everything for which the row has no room
    MORES = "mores"  # a job of several pictures, as the next two: asks which one
    VARIES = "varies"
    UPSCALES = "upscales"
    PICK = "pick"  # the menu of a job of several pictures, and the message that shows them
    FAVOURITES = "favourites"  # a job of several pictures: asks which one
    DELETE = "delete"  # a job: asks first
    ERASE = "erase"  # a job and the message to delete: confirmed
    KEEP = "keep"  # a job: cancelled in the confirmation
    SUBTLE = "subtle"  # a picture
    STRONG = "strong"  # a picture
    UPSCALE = "upscale"  # a picture
    FAVOURITE = "favourite"  # a picture
    STAR = "star"  # a picture, in the answer to FAVOURITES
    VOTE = "vote"  # a picture
    VOTES = "votes"  # a job of several pictures: asks which one
    SHARE = "share"  # a picture
    SHARES = "shares"  # a job of several pictures: asks which one
    SHARE_SURE = "sharesure"  # a private picture: confirmed
    DETAILS = "details"  # a picture in the gallery
    APPROVE = "approve"  # an entry of the gallery, as the next ones
    TAKE_OUT = "takeout"
    FEATURE = "feature"
    UNFEATURE = "unfeature"
    REPORT = "reportentry"


_EMOJI: Final = {
    Action.REROLL: "🔄",
    Action.REMIX: "🎨",
    Action.FAVOURITE: "❤️",
    Action.FAVOURITES: "❤️",
    Action.VOTE: "⭐",
    Action.VOTES: "⭐",
}
"""As Discord's own emoji field, not in the label: clients draw only these themselves."""


def custom_id(action: Action, subject: str, extra: int | None = None) -> str:
    """`ekaki:<action>:<job or picture id>`, and a message's id where the action needs one."""
    tail = "" if extra is None else f":{extra}"
    return f"ekaki:{action}:{subject}{tail}"


def button(
    action: Action,
    subject: str,
    *,
    row: int,
    label: str | None = None,
    style: discord.ButtonStyle = discord.ButtonStyle.secondary,
    extra: int | None = None,
    emoji: bool = True,
) -> Button:
    """One button; its label is that of the action, if none is given."""
    return discord.ui.Button(
        label=label or text(f"buttons.{action}"),
        emoji=_EMOJI.get(action) if emoji else None,
        style=style,
        custom_id=custom_id(action, subject, extra),
        row=row,
    )


def result_view(job: JobRecord, pictures: Sequence[PictureRecord]) -> discord.ui.View:
    """One row under the pictures of `job`, which is finished; above it a menu where there are
    several. Everything else is behind "More" (`cogs.pictures.more`)."""
    if len(pictures) == 1:
        picture = pictures[0].id
        return view_of(_row(job, Action.STRONG, Action.UPSCALE, Action.MORE, picture, row=0))
    row = _row(job, Action.VARIES, Action.UPSCALES, Action.MORES, job.id, row=1)
    return view_of([picture_menu(job, pictures), *row])


def _row(
    job: JobRecord, vary: Action, upscale: Action, more: Action, subject: str, *, row: int
) -> "list[Button]":
    growing = [button(upscale, subject, row=row, label=text("buttons.upscale"))]
    return [
        button(Action.REROLL, job.id, row=row, style=discord.ButtonStyle.primary),
        button(vary, subject, row=row, label=text("buttons.vary")),
        *(growing if may_grow(job) else ()),
        button(Action.REMIX, job.id, row=row),
        button(more, subject, row=row, label=text("buttons.more")),
    ]


def ended_view(job: JobRecord, error: EkakiError | None = None) -> discord.ui.View | None:
    """Under a job that ended without pictures, so that nothing typed is lost. `error`: why; where
    it was a LoRA, it can be drawn without."""
    if job.damaged:
        return None
    by_lora = error is not None and error.key.startswith("lora") and bool(job.request.loras)
    first = Action.WITHOUT if by_lora else Action.AGAIN
    return view_of(
        [
            button(first, job.id, row=0, style=discord.ButtonStyle.primary),
            button(Action.EDIT, job.id, row=0),
        ]
    )


def picture_menu(
    job: JobRecord,
    pictures: Sequence[PictureRecord],
    *,
    chosen: str | None = None,
    message_id: int | None = None,
) -> "discord.ui.Select[discord.ui.View]":
    """Chooses one of several pictures. `message_id`: the message that shows them, if another."""
    return discord.ui.Select(
        custom_id=custom_id(Action.PICK, job.id, message_id),
        placeholder=text("more.menu", last=len(pictures)),
        options=[
            discord.SelectOption(
                label=text("more.picture", number=each.position + 1),
                description=text("result.seed", seed=each.seed),
                value=each.id,
                default=each.id == chosen,
            )
            for each in pictures[:_MENU_LENGTH]
        ],
        row=0,
    )


def numbered(action: Action, pictures: Sequence[PictureRecord]) -> "list[Button]":
    """A button for each picture, with its number."""
    return [
        button(action, each.id, row=0, label=str(each.position + 1), emoji=False)
        for each in pictures[:_ROW_LENGTH]
    ]


def may_grow(job: JobRecord) -> bool:
    """Whether its pictures can be upscaled: only once, as twice would exceed most machines."""
    return job.request.upscale_factor <= 1
