"""The buttons under finished pictures. They contain only an id; `cogs.picture_buttons` handles
them.

So a message keeps its buttons through restarts and upgrades without using memory.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeAlias

import discord

from bot.library.repeating import may_finish
from cogs.common.lasting import view_of
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text
from pipeline.canvas import Extend
from pipeline.errors import EkakiError
from pipeline.rework import MAX_UPSCALED_PIXELS, UPSCALE_FACTOR

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
    IN_FULL = "infull"  # not as a draft: what draws them was removed
    SETTINGS = "settings"  # a job
    ANOTHER = "another"  # a job: asks for another prompt
    LOCK = "lockseed"  # a picture: its seed becomes the person's fixed one
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
    REDRAW = "redraw"  # a picture: opens a form
    PAINT = "paint"  # a picture: links to the page where its owner paints what is redrawn
    EXTEND = "extend"  # a picture: the menu of directions
    FACES = "faces"  # a picture
    FINISH = "finish"  # a picture that is a draft
    FINISHES = "finishes"  # a job of several drafts: asks which one
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
        larger = Action.FINISH if may_finish(job) else Action.UPSCALE
        return view_of(_row(job, Action.STRONG, larger, Action.MORE, picture, row=0))
    larger = Action.FINISHES if may_finish(job) else Action.UPSCALES
    row = _row(job, Action.VARIES, larger, Action.MORES, job.id, row=1)
    return view_of([picture_menu(job, pictures), *row])


def _row(
    job: JobRecord, vary: Action, larger: Action, more: Action, subject: str, *, row: int
) -> "list[Button]":
    """`larger`: what comes next for a picture that somebody likes. Upscaling a draft is behind
    "More"."""
    label = text("buttons.finish" if may_finish(job) else "buttons.upscale")
    growing = [button(larger, subject, row=row, label=label)]
    return [
        button(Action.REROLL, job.id, row=row, style=discord.ButtonStyle.primary),
        button(vary, subject, row=row, label=text("buttons.vary")),
        *(growing if may_grow(job) or may_finish(job) else ()),
        button(Action.REMIX, job.id, row=row),
        button(more, subject, row=row, label=text("buttons.more")),
    ]


def ended_view(job: JobRecord, error: EkakiError | None = None) -> discord.ui.View | None:
    """Under a job that ended without pictures, so that nothing typed is lost. `error`: why; where
    it was a LoRA, it can be drawn without, and where it was that for drafts, in full."""
    why = "" if error is None else error.key
    if job.damaged or why == "faces_not_found":  # which would end the same again
        return None
    first = Action.AGAIN
    if why.startswith("draft"):
        first = Action.IN_FULL
    elif why.startswith("lora") and job.request.loras:
        first = Action.WITHOUT
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
                description=_facts(job, each),
                value=each.id,
                default=each.id == chosen,
            )
            for each in pictures[:_MENU_LENGTH]
        ],
        row=0,
    )


def _facts(job: JobRecord, picture: PictureRecord) -> str:
    """What tells it from the others of the job."""
    if not job.request.compared:
        return text("result.seed", seed=picture.seed)
    drawn = job.request.original.compare or ""
    name, _, values = drawn.partition(": ")
    return f"{name} {values.split(' | ')[picture.position]}"[:100]


def extend_menu(picture: PictureRecord, *, row: int) -> "discord.ui.Select[discord.ui.View]":
    """Draws more around a picture, in the chosen direction."""
    is_square = picture.width == picture.height
    return discord.ui.Select(
        custom_id=custom_id(Action.EXTEND, picture.id),
        placeholder=text("extend.menu"),
        options=[
            discord.SelectOption(
                label=text(f"extend.{each}"),
                description=text(f"extend.{each}_help"),
                value=each.value,
            )
            for each in Extend
            if not (each is Extend.SQUARE and is_square)
        ],
        row=row,
    )


def numbered(action: Action, pictures: Sequence[PictureRecord]) -> "list[Button]":
    """A button for each picture, with its number."""
    return [
        button(action, each.id, row=0, label=str(each.position + 1), emoji=False)
        for each in pictures[:_ROW_LENGTH]
    ]


def may_grow(job: JobRecord) -> bool:
    """Whether its pictures can be upscaled: only once, as twice would exceed most machines."""
    request = job.request
    larger = request.width * request.height * UPSCALE_FACTOR**2
    return request.upscale_factor <= 1 and larger <= MAX_UPSCALED_PIXELS
