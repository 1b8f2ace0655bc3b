"""Whether a waiting job may still be drawn with its LoRAs: removed or forbidden ones end it."""

from bot.jobs.accept.gather import lora_rule
from bot.loras.library import LoraLibrary
from data.jobs import loras
from data.jobs.jobs import JobRecord
from data.store.database import Database
from pipeline.errors import InputError, RefusedError
from pipeline.lora.use import LoraUse
from pipeline.rating import Rating


class LorasUnreadError(Exception):
    """Nobody can tell now whether the LoRA `name` is still there: its files can't be read."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class LoraCheck:
    """Looks at jobs before they are drawn."""

    def __init__(self, database: Database, library: LoraLibrary) -> None:
        self._database = database
        self._library = library

    async def check(self, job: JobRecord) -> None:
        """InputError `lora_gone` or `draft_gone` if the file of one is no longer in the library,
        RefusedError `lora_not_allowed` if the server does not allow it to this person any more, and
        `lora_above_ceiling` or `draft_above_ceiling` if the operator rated it higher since;
        LorasUnreadError."""
        if not job.request.loras:
            return
        if not await self._library.look():
            raise LorasUnreadError(job.request.loras[0].name)
        kept = {entry.digest for entry in self._library.entries() if not entry.problem}
        for use in job.request.loras:
            if use.digest not in kept or self._library.may_return(use.name):
                raise self._missing(job, use.name)
            entry = self._library.get(use.name)
            if entry is not None and job.ceiling is not None and entry.rating > job.ceiling:
                raise _rated_higher(use, rating=entry.rating, ceiling=job.ceiling)
        async with self._database.reader() as connection:
            roles = await loras.roles_of(connection, job_id=job.id)
            rule = await lora_rule(connection, guild_id=job.guild_id, role_ids=roles)
        for use in job.request.loras:
            if not use.draft and not rule.allows(use.name):
                raise RefusedError("lora_not_allowed", name=use.name)

    def _missing(self, job: JobRecord, name: str) -> Exception:
        return LorasUnreadError(name) if self._library.may_return(name) else gone(job, name)


def gone(job: JobRecord, name: str) -> InputError:
    """The error for a LoRA of `job` that is not there any more. Nobody asked by name for the one
    that makes it a draft."""
    if any(use.draft and use.name == name for use in job.request.loras):
        return InputError("draft_gone")
    return InputError("lora_gone", name=name)


def _rated_higher(use: LoraUse, *, rating: Rating, ceiling: Rating) -> RefusedError:
    if use.draft:
        return RefusedError("draft_above_ceiling", rating=rating.label, ceiling=ceiling.label)
    return RefusedError(
        "lora_above_ceiling", name=use.name, rating=rating.label, ceiling=ceiling.label
    )
