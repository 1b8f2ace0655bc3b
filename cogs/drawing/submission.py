"""From a request to a shown job: the first response to an interaction is the real one.

Whether it is public or ephemeral is fixed by the first response, so nothing is answered before the
decision, unless the decision takes long: Discord waits for 3 seconds only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import discord

from bot.client.client import EkakiBot, Presenting
from bot.common.failpoints import hit
from bot.jobs.accept.commit import Also
from bot.jobs.values import Ticket
from cogs.common.errors import ALREADY_ACKNOWLEDGED, UNREACHABLE
from cogs.common.places import origin_of
from cogs.drawing import render
from cogs.drawing.drafts import base_of, draft_of, refuse
from data.shipped.text import speaking
from pipeline.errors import EkakiError, StorageError
from pipeline.request import GenerationRequest

_log = logging.getLogger(__name__)

UNDECIDED_S = 1.5  # half of the 3 seconds that Discord waits for a first response


class NotShown(Exception):  # noqa: N818 - not a fault: the job is undone
    """Discord did not accept the first response."""


async def submit(
    interaction: discord.Interaction[EkakiBot],
    request: GenerationRequest,
    *,
    saved: str | None = None,
    replay: bool = False,
    job_id: str | None = None,
    prepare: Callable[[GenerationRequest], Awaitable[GenerationRequest]] | None = None,
    also: Also | None = None,
) -> None:
    """Have `request` accepted and shown. A refusal returns what was typed, to be edited; for a
    `replay`, where nothing was typed, it is raised as by `JobService.submit`. No quota is used.

    `saved` names one of the person's presets. `replay`: it repeats an earlier one, so the person's
    own defaults change nothing. `job_id`: the job that it was edited from. `prepare` completes it
    first and may take its time, such as for a download. `also`: as of `JobService.submit`.
    """
    jobs, presenters = interaction.client.services.jobs, interaction.client.presenters
    origin = origin_of(interaction, private=request.private)

    prepared = request

    async def decide() -> Ticket:
        nonlocal prepared
        if prepare is not None:
            prepared = await prepare(request)
        return await jobs.submit(prepared, origin, saved=saved, replay=replay, also=also)

    deciding = asyncio.create_task(decide())
    await asyncio.wait({deciding}, timeout=UNDECIDED_S)
    deferred = not deciding.done()
    if deferred and not await _defer(interaction, private=request.private):
        await _withdraw_late(deciding, interaction, presenters)
        return
    try:
        ticket = await deciding
    except Exception as error:
        # A public placeholder must not become the refusal.
        if deferred and not interaction.client.is_closed():
            await _delete_placeholder(interaction)
        if replay or not isinstance(error, EkakiError):
            raise
        seen = "private" if request.private else "public"
        await refuse(
            interaction,
            error,
            draft_of(request),
            seen=seen,
            saved=saved,
            base=base_of(prepared, job_id),
            editable=prepare is None or prepared is not request,
        )
        return
    try:
        message_id = await _show(interaction, ticket, deferred=deferred)
    except NotShown:
        await _withdraw(ticket, interaction, presenters)
        return
    presenters.start(
        ticket.job,
        message_id=message_id,
        shown=ticket.queued if message_id is not None else None,
        file_limit=interaction.filesize_limit,
    )
    if message_id is not None:
        try:
            await jobs.set_message(job_id=ticket.job.id, message_id=message_id)
        except StorageError as error:  # the token finds it too, and the end records it again
            _log.warning("The message of job %s is not entered: %s", ticket.job.id, error)


async def _show(
    interaction: discord.Interaction[EkakiBot], ticket: Ticket, *, deferred: bool
) -> int | None:
    """Answer with the waiting message. None if it may exist, but its id did not reach us.

    NotShown: it does not exist.
    """
    with speaking(ticket.job.locale):  # if public, everybody in the place reads it
        message = render.waiting(ticket.job, ticket.queued)
    assert message.view is not None
    try:
        if deferred:
            edited = await interaction.edit_original_response(
                embeds=list(message.embeds), view=message.view
            )
            return edited.id
        answered = await interaction.response.send_message(
            embeds=list(message.embeds), view=message.view, ephemeral=ticket.job.private
        )
    except UNREACHABLE as error:
        _log.warning("Job %s was not acknowledged: %s", ticket.job.id, error)
        if deferred:
            return None  # the placeholder exists; what comes next replaces it
        return await _original(interaction, error)
    hit("acknowledged_unmarked")
    return answered.message_id


async def _defer(interaction: discord.Interaction[EkakiBot], *, private: bool) -> bool:
    try:
        await interaction.response.defer(ephemeral=private, thinking=True)
    except UNREACHABLE as error:
        _log.warning("An interaction could not be deferred: %s", error)
        try:
            await _original(interaction, error)
        except NotShown:
            return False
    hit("deferred")
    return True


async def _delete_placeholder(interaction: discord.Interaction[EkakiBot]) -> None:
    try:
        await interaction.delete_original_response()
    except UNREACHABLE as error:
        _log.warning("A placeholder could not be deleted: %s", error)


async def _original(interaction: discord.Interaction[EkakiBot], error: BaseException) -> int | None:
    """The first response after `error`, which may have hidden that it arrived.

    None: it can't be known. NotShown: Discord says that there is none.
    """
    match error:
        case discord.HTTPException(status=status, code=code) if status < 500:
            if code != ALREADY_ACKNOWLEDGED:
                raise NotShown
        case _:
            pass
    try:
        return (await interaction.original_response()).id
    except discord.NotFound as missing:
        raise NotShown from missing
    except UNREACHABLE as trouble:
        _log.warning("Whether an answer arrived is unknown: %s", trouble)
        return None


async def _withdraw(
    ticket: Ticket, interaction: discord.Interaction[EkakiBot], presenters: Presenting
) -> None:
    """Nobody saw the job: undo it. If it is too late for that, deliver it."""
    try:
        withdrawn = await interaction.client.services.jobs.withdraw(job_id=ticket.job.id)
    except StorageError as error:
        _log.warning("Job %s can't be withdrawn: %s", ticket.job.id, error)
        withdrawn = False
    if not withdrawn:
        presenters.start(ticket.job, message_id=None, file_limit=interaction.filesize_limit)


async def _withdraw_late(
    deciding: "asyncio.Task[Ticket]",
    interaction: discord.Interaction[EkakiBot],
    presenters: Presenting,
) -> None:
    """Nobody can be notified any more: whatever is decided, no quota may be used."""
    try:
        ticket = await deciding
    except EkakiError as error:
        _log.info("A refusal came too late to be told: %s", error)
    else:
        await _withdraw(ticket, interaction, presenters)
