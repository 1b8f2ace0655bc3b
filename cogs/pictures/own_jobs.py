"""Suggests a person's own latest pictures where a command takes an id."""

from discord import app_commands

from bot.client.client import Interaction
from bot.library.results import MAX_PAGE_SIZE
from bot.library.suggestions import MAX_CHOICE, MAX_SUGGESTIONS
from cogs.common.words import cut
from data.people.history import HistoryEntry
from data.store.ids import typed_id
from pipeline.prompt.assemble import typed_text


async def own_jobs(interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
    """The person's latest jobs with pictures, by the start of the id or words of the prompt."""
    start = typed_id(typed)
    entries = await _latest(interaction, words="")
    found = [entry for entry in entries if start and entry.job.id.startswith(start)]
    if not found:
        found = entries if not start else await _latest(interaction, words=typed)
    jobs = {entry.job.id: entry.job.request.original for entry in found}
    return [
        app_commands.Choice(name=cut(f"{job_id}: {typed_text(request)}", MAX_CHOICE), value=job_id)
        for job_id, request in list(jobs.items())[:MAX_SUGGESTIONS]
    ]


async def _latest(interaction: Interaction, *, words: str) -> list[HistoryEntry]:
    results = interaction.client.services.results
    page = await results.history(
        user_id=interaction.user.id, words=words, page=0, page_size=MAX_PAGE_SIZE
    )
    return list(page.entries)
