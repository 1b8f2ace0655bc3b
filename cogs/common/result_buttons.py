"""The buttons under finished pictures. They hold an id and no code, which is in
`cogs.picture_buttons`.

So a message keeps its buttons through restarts and upgrades, and no memory is used for it.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

import discord

from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.shipped.text import text

_ROW_LENGTH = 5  # buttons in a row, Discord


class Action(StrEnum):
    """What a button does. These words stand in messages for ever: never change or reuse one."""

    REROLL = "reroll"  # a job
    REMIX = "remix"  # a job
    SETTINGS = "settings"  # a job
    FAVOURITES = "favourites"  # a job of several pictures: asks which one
    DELETE = "delete"  # a job: asks first
    ERASE = "erase"  # a job and the message that is to go: asked and answered
    KEEP = "keep"  # a job: asked and taken back
    SUBTLE = "subtle"  # a picture
    STRONG = "strong"  # a picture
    UPSCALE = "upscale"  # a picture
    FAVOURITE = "favourite"  # a picture
    STAR = "star"  # a picture, in the answer to FAVOURITES
    VOTE = "vote"  # a picture
    VOTES = "votes"  # a job of several pictures: asks which one
    SHARE = "share"  # a picture
    SHARES = "shares"  # a job of several pictures: asks which one
    SHARE_SURE = "sharesure"  # a picture that is private: asked and answered
    DETAILS = "details"  # a picture in the gallery
    APPROVE = "approve"  # an entry of the gallery, as the next ones
    TAKE_OUT = "takeout"
    FEATURE = "feature"
    UNFEATURE = "unfeature"
    REPORT = "reportentry"


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
) -> "discord.ui.Button[discord.ui.View]":
    """One button; its label is that of the action, if none is given."""
    return discord.ui.Button(
        label=label or text(f"buttons.{action}"),
        style=style,
        custom_id=custom_id(action, subject, extra),
        row=row,
    )


def view_of(buttons: Iterable["discord.ui.Button[discord.ui.View]"]) -> discord.ui.View:
    """A view that discord.py forgets after sending: presses are found by their `custom_id`."""
    view = discord.ui.View(timeout=None)
    for each in buttons:
        view.add_item(each)
    view.stop()
    return view


def result_view(
    job: JobRecord, pictures: Sequence[PictureRecord], *, gallery: bool
) -> discord.ui.View:
    """Everything that can be done with the pictures of `job`, which is finished. `gallery`: whether
    there is one that they may go into (`cogs.common.gallery_gates.offers_gallery`)."""
    if len(pictures) == 1:
        return view_of(_single(job, pictures[0], gallery=gallery))
    return view_of(_grid(job, pictures, gallery=gallery))


def _single(
    job: JobRecord, picture: PictureRecord, *, gallery: bool
) -> "list[discord.ui.Button[discord.ui.View]]":
    first = [
        button(Action.REROLL, job.id, row=0),
        button(Action.SUBTLE, picture.id, row=0),
        button(Action.STRONG, picture.id, row=0),
    ]
    if may_grow(job):
        first.append(button(Action.UPSCALE, picture.id, row=0))
    first.append(button(Action.REMIX, job.id, row=0))
    kept = [button(Action.FAVOURITE, picture.id, row=1)]
    if gallery:
        kept += [*_vote(job, Action.VOTE, picture.id), button(Action.SHARE, picture.id, row=1)]
    return [*first, *kept, *_common(job, row=1)]


def _grid(
    job: JobRecord, pictures: Sequence[PictureRecord], *, gallery: bool
) -> "list[discord.ui.Button[discord.ui.View]]":
    """U1-U4 and V1-V4, as people know them from other bots."""
    shown = pictures[: _ROW_LENGTH - 1]
    upscales = [_numbered(Action.UPSCALE, p, row=0) for p in shown if may_grow(job)]
    varies = [_numbered(Action.STRONG, p, row=1) for p in shown]
    kept = [button(Action.FAVOURITES, job.id, row=2, label=text("buttons.favourite"))]
    if gallery:
        share = button(Action.SHARES, job.id, row=2, label=text("buttons.share"))
        kept += [*_vote(job, Action.VOTES, job.id, row=2), share]
    return [
        *upscales, button(Action.REROLL, job.id, row=0),
        *varies, button(Action.REMIX, job.id, row=1),
        *kept, *_common(job, row=2),
    ]  # fmt: skip


def _vote(
    job: JobRecord, action: Action, subject: str, *, row: int = 1
) -> "list[discord.ui.Button[discord.ui.View]]":
    """Nobody but its owner sees a private picture."""
    return [] if job.private else [button(action, subject, row=row, label=text("buttons.vote"))]


def _common(job: JobRecord, *, row: int) -> "list[discord.ui.Button[discord.ui.View]]":
    return [button(Action.SETTINGS, job.id, row=row), button(Action.DELETE, job.id, row=row)]


def _numbered(
    action: Action, picture: PictureRecord, *, row: int
) -> "discord.ui.Button[discord.ui.View]":
    label = text(f"buttons.{action}_number", number=picture.position + 1)
    return button(action, picture.id, row=row, label=label)


def may_grow(job: JobRecord) -> bool:
    """Whether its pictures can be upscaled: once, as a second time would not fit most machines."""
    return job.request.upscale_factor <= 1
