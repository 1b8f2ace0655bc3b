"""Whether a waiting job may still be drawn with its LoRAs: removed or forbidden ones end it."""

from bot.jobs.accept.gather import lora_rule
from bot.loras.library import LoraLibrary
from data.jobs import loras
from data.jobs.jobs import JobRecord
from data.store.database import Database
from pipeline.errors import InputError, RefusedError


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
        """InputError `lora_gone` if the file of one is no longer in the library, RefusedError
        `lora_not_allowed` if the server does not allow it to this person any more, and
        `lora_above_ceiling` if the operator rated it higher since; LorasUnreadError."""
        if not job.request.loras:
            return
        if not await self._library.look():
            raise LorasUnreadError(job.request.loras[0].name)
        kept = {entry.digest for entry in self._library.entries() if not entry.problem}
        for use in job.request.loras:
            if use.digest not in kept or self._library.may_return(use.name):
                raise self._missing(use.name)
            entry = self._library.get(use.name)
            if entry is not None and job.ceiling is not None and entry.rating > job.ceiling:
                raise RefusedError(
                    "lora_above_ceiling",
                    name=use.name,
                    rating=entry.rating.label,
                    ceiling=job.ceiling.label,
                )
        async with self._database.reader() as connection:
            roles = await loras.roles_of(connection, job_id=job.id)
            rule = await lora_rule(connection, guild_id=job.guild_id, role_ids=roles)
        for use in job.request.loras:
            if not rule.allows(use.name):
                raise RefusedError("lora_not_allowed", name=use.name)

    def _missing(self, name: str) -> Exception:
        unread = self._library.may_return(name)
        return LorasUnreadError(name) if unread else InputError("lora_gone", name=name)
