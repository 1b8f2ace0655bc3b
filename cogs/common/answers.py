"""Answers that only one person sees, in time: Discord waits three seconds for the first.

What writes to the database calls `begin` first (commands) or `hold` (buttons, menus, forms of a
message). A commit waits for the disk, and a busy disk may take longer than that.
"""

from collections.abc import Sequence

import discord
from discord.utils import MISSING

from cogs.common.messages import Outgoing


async def begin(interaction: discord.Interaction) -> None:
    """Defer the answer. `say` or a refusal replaces the placeholder."""
    await interaction.response.defer(ephemeral=True, thinking=True)


async def hold(interaction: discord.Interaction) -> None:
    """Defer a `change` of the message that was used. Until then it stays as it is; a refusal is a
    separate message."""
    await interaction.response.defer()


async def say(
    interaction: discord.Interaction,
    words: str | None = None,
    *,
    embeds: Sequence[discord.Embed] = (),
    files: Sequence[discord.File] = (),
    view: discord.ui.View | None = None,
) -> None:
    """Answer, or replace the placeholder."""
    shown = MISSING if view is None else view
    if interaction.response.is_done():
        await interaction.edit_original_response(
            content=words, embeds=list(embeds), attachments=list(files), view=shown
        )
    else:
        await interaction.response.send_message(
            words, embeds=list(embeds), files=list(files), view=shown, ephemeral=True
        )


async def show(interaction: discord.Interaction, message: Outgoing) -> None:
    """The same with a whole message."""
    await say(interaction, embeds=message.embeds, files=message.files(), view=message.view)


async def change(
    interaction: discord.Interaction,
    words: str | None = None,
    *,
    embeds: Sequence[discord.Embed] = (),
    files: Sequence[discord.File] = (),
    view: discord.ui.View | None = None,
) -> None:
    """Replace the content of the message that was used, also after `hold`."""
    done = interaction.response.is_done()
    edit = interaction.edit_original_response if done else interaction.response.edit_message
    await edit(content=words, embeds=list(embeds), attachments=list(files), view=view)
