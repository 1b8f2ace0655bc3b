"""Buttons whose state is an id in their `custom_id`: they work after a restart of the bot."""

import re
from typing import Any

import discord

from bot.client.client import EkakiBot
from cogs.common.errors import answer_error
from data.shipped.text import text
from pipeline.errors import RefusedError

JOB_ID = "[a-z0-9]{12}"
ENTRY_ID = "[a-z0-9]{26}"  # of the gallery, see data.store.ids


class CancelButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]],
    template=rf"ekaki:cancel:(?P<job_id>{JOB_ID})",
):
    """Stops the job it belongs to, for its owner."""

    def __init__(self, job_id: str) -> None:
        super().__init__(
            discord.ui.Button(
                label=text("buttons.cancel"),
                style=discord.ButtonStyle.secondary,
                custom_id=cancel_id(job_id),
            )
        )
        self.job_id = job_id

    @classmethod
    async def from_custom_id(
        cls,
        interaction: discord.Interaction[Any],  # noqa: ARG003 - discord.py's signature
        item: discord.ui.Item[Any],  # noqa: ARG003 - discord.py's signature
        match: re.Match[str],
        /,
    ) -> "CancelButton":
        return cls(match["job_id"])

    async def callback(  # pyright: ignore[reportIncompatibleMethodOverride] - our own client
        self, interaction: discord.Interaction[EkakiBot]
    ) -> None:
        """Stop the job. Its presenter says so in the message; others are refused kindly."""
        try:
            await interaction.client.services.jobs.cancel(
                job_id=self.job_id, user_id=interaction.user.id
            )
            await interaction.response.defer()
        except Exception as error:  # noqa: BLE001 - discord.py would only log it
            if isinstance(error, RefusedError) and await self._is_left_over(interaction):
                await interaction.response.edit_message(view=None)
            await answer_error(interaction, error)

    async def _is_left_over(self, interaction: discord.Interaction[EkakiBot]) -> bool:
        """Whether the end of the job was told elsewhere, as this message was out of reach then. The
        press brings a token that reaches it."""
        job = await interaction.client.services.jobs.job(self.job_id)
        if job is None:
            return True
        shown = interaction.message is not None and interaction.message.id == job.message_id
        return job.delivery == "kept" or (job.delivery == "delivered" and not shown)


def cancel_id(job_id: str) -> str:
    """The `custom_id` of the button that stops a job: only the message that shows it has it."""
    return f"ekaki:cancel:{job_id}"


def cancel_view(job_id: str) -> discord.ui.View:
    """What stands under a job that waits or runs."""
    return discord.ui.View(timeout=None).add_item(CancelButton(job_id))


def install(bot: EkakiBot) -> None:
    """Make buttons of earlier runs work."""
    bot.add_dynamic_items(CancelButton)
