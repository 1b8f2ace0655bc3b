"""`/queue`: what waits and runs, and a person's own jobs with a button to cancel each."""

from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import EkakiBot
from bot.jobs.values import OwnJob, QueueView
from cogs.common.errors import answer_error
from cogs.common.extension import extension
from cogs.common.lasting import Button, Lasting
from cogs.common.messages import Outgoing
from cogs.common.rest import rest_words
from cogs.common.words import duration, quoted, sentences, speed_words
from cogs.drawing.cancel import JOB_ID
from data.shipped.text import text
from pipeline.errors import RefusedError

Interaction = discord.Interaction[EkakiBot]

_REFRESH = "ekaki:queue:refresh"
_CANCEL = "ekaki:queue:cancel"
_MAX_BUTTONS: Final = 20  # four rows of Discord's five; the last row is for "Refresh"
_PROMPT_CHARACTERS: Final = 80  # of each job: twenty of them, escaped, fit into one embed


class Queue(commands.Cog):
    """The queue as one person may see it."""

    @app_commands.command(name="queue", description=text("queue.description"))
    async def queue(self, interaction: Interaction) -> None:
        message = await _current(interaction)
        assert message.view is not None
        await interaction.response.send_message(
            embeds=list(message.embeds), view=message.view, ephemeral=True
        )


async def _current(interaction: Interaction) -> Outgoing:
    jobs = interaction.client.services.jobs
    return queue_message(await jobs.queue_view(interaction.user.id))


def queue_message(queue: QueueView) -> Outgoing:
    """Totals, and details of the person's own jobs."""
    summary = text("queue.summary", running=queue.running, waiting=queue.waiting)
    if not queue.running and not queue.waiting:
        summary = text("queue.empty") if queue.rest is None else text("queue.empty_resting")
    elif queue.total_eta_s is not None:
        summary = sentences(summary, text("queue.total", duration=duration(queue.total_eta_s)))
    if queue.rest is not None:
        summary += "\n" + rest_words(queue.rest)
    elif queue.devices > 1:
        summary = sentences(summary, text("queue.machines", devices=queue.devices))
    embed = discord.Embed(title=text("queue.title"), description=summary)
    shown = queue.own[:_MAX_BUTTONS]
    for number, job in enumerate(shown, 1):
        prompt = quoted(job.prompt, _PROMPT_CHARACTERS)
        embed.add_field(name=_state(number, job), value=prompt, inline=False)
    if len(queue.own) > len(shown):
        embed.set_footer(text=text("queue.more", jobs=len(queue.own) - len(shown)))
    return Outgoing(embeds=(embed,), view=_view(shown))


def _state(number: int, job: OwnJob) -> str:
    if job.state == "running":
        line = text("queue.running", number=number)
    elif job.position == 0:
        line = text("queue.next", number=number)
    else:
        key = "queue.waiting_one" if job.position == 1 else "queue.waiting"
        line = text(key, number=number, jobs=job.position)
    if job.eta_s is not None:
        line = sentences(line, text("progress.eta", duration=duration(job.eta_s)))
    return " · ".join(part for part in (line, speed_words(job.speed)) if part)


def _view(own: tuple[OwnJob, ...]) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    for number, job in enumerate(own, 1):
        view.add_item(
            discord.ui.Button(
                label=text("queue.cancel", number=number),
                style=discord.ButtonStyle.danger,
                custom_id=f"{_CANCEL}:{job.job_id}",
            )
        )
    view.add_item(discord.ui.Button(label=text("queue.refresh"), custom_id=_REFRESH))
    view.stop()  # presses are found by their `custom_id`; discord.py need not remember the view
    return view


class QueueButton(
    Lasting[Button],
    template=rf"{_REFRESH}|{_CANCEL}:(?P<job_id>{JOB_ID})",
):
    """Cancels a job if it names one, and shows the current queue."""

    async def act(self, interaction: Interaction) -> None:
        refusal = await self._cancel(interaction)
        message = await _current(interaction)
        await interaction.response.edit_message(embeds=list(message.embeds), view=message.view)
        if refusal is not None:  # such as: already over. The current queue says the rest
            await answer_error(interaction, refusal)

    async def _cancel(self, interaction: Interaction) -> RefusedError | None:
        if self.match["job_id"] is None:
            return None
        jobs = interaction.client.services.jobs
        try:
            await jobs.cancel(job_id=self.match["job_id"], user_id=interaction.user.id)
        except RefusedError as error:
            return error
        return None


setup = extension(lambda _: Queue(), QueueButton)
