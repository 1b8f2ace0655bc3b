"""The button that cancels a job. Its `custom_id` has the job's id, so it survives restarts."""

import discord

from bot.client.client import Interaction
from cogs.common.lasting import Button, Lasting, view_of
from data.shipped.text import text
from pipeline.errors import RefusedError

JOB_ID = "[a-z0-9]{12}"
ENTRY_ID = "[a-z0-9]{26}"  # of the gallery, see data.store.ids


class CancelButton(Lasting[Button], template=rf"ekaki:cancel:(?P<job_id>{JOB_ID})"):
    """Cancels its job, for its owner. The job's presenter says so in the message."""

    async def act(self, interaction: Interaction) -> None:
        job_id = self.match["job_id"]
        try:
            await interaction.client.services.jobs.cancel(
                job_id=job_id, user_id=interaction.user.id
            )
        except RefusedError:
            if await _is_left_over(interaction, job_id):
                await interaction.response.edit_message(view=None)
            raise
        await interaction.response.defer()


async def _is_left_over(interaction: Interaction, job_id: str) -> bool:
    """Whether the end of the job was shown elsewhere because this message was out of reach then.
    The press brings a token that reaches it."""
    job = await interaction.client.services.jobs.job(job_id)
    if job is None:
        return True
    shown = interaction.message is not None and interaction.message.id == job.message_id
    return job.delivery == "kept" or (job.delivery == "delivered" and not shown)


def cancel_id(job_id: str) -> str:
    """The `custom_id` of the button that cancels a job: only the message that shows it has it."""
    return f"ekaki:cancel:{job_id}"


def cancel_view(job_id: str) -> discord.ui.View:
    """The button under a job that waits or runs."""
    button = Button(label=text("buttons.cancel"), custom_id=cancel_id(job_id))
    return view_of([button])
