"""What the page reads from the database. What the viewer may not see is missing: None."""

from dataclasses import dataclass

from bot.common.clock import Clock
from bot.web.asked import Asked
from data.gallery import entries as gallery
from data.gallery import search, web
from data.gallery.entries import Entry
from data.gallery.search import Wanted
from data.gallery.web import WebGuild
from data.jobs import jobs, pictures
from data.jobs.jobs import JobRecord
from data.jobs.pictures import PictureRecord
from data.store.database import Database
from pipeline.rating import Rating

PAGE_SIZE = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryPage:
    """A page of pictures. `words`: by entry number. `earlier` and `later`: the ids where the
    previous and next pages start, "" at the ends."""

    entries: tuple[Entry, ...]
    words: dict[int, str]
    earlier: str
    later: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture's own page. `earlier` and `later`: ids of its neighbours in the search."""

    entry: Entry
    picture: PictureRecord
    job: JobRecord
    server: str
    earlier: str
    later: str


class Shown:
    """Reads for a viewer; `open_guilds` are servers that show them everything."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def servers(self) -> list[WebGuild]:
        """The servers with a public gallery."""
        return await self._database.read(web.guilds)

    async def page(self, asked: Asked, open_guilds: frozenset[int]) -> GalleryPage:
        """The requested page; the first one if its position was deleted or may not be seen, without
        revealing which."""
        wanted = self._wanted(asked, open_guilds)
        async with self._database.reader() as connection:
            beside = await gallery.on_web(connection, entry_id=asked.after or asked.before)
            if beside is not None and not may_see(beside, open_guilds):
                beside = None
            back = beside is not None and not asked.after
            found = await search.page(
                connection,
                wanted=wanted,
                order=asked.order,
                limit=PAGE_SIZE + 1,
                beside=beside,
                way="before" if back else "after",
            )
            more = len(found) > PAGE_SIZE
            found = found[-PAGE_SIZE:] if back else found[:PAGE_SIZE]
            words = await search.words_of(connection, numbers=[e.number for e in found])
        has_earlier = more if back else beside is not None
        return GalleryPage(
            entries=tuple(found),
            words=words,
            earlier=found[0].id if found and has_earlier else "",
            later=found[-1].id if found and (back or more) else "",
        )

    async def picture(
        self, entry_id: str, asked: Asked, open_guilds: frozenset[int]
    ) -> Picture | None:
        """A picture with its neighbours."""
        wanted = self._wanted(asked, open_guilds)
        async with self._database.reader() as connection:
            entry = await gallery.on_web(connection, entry_id=entry_id)
            if entry is None or not may_see(entry, open_guilds):
                return None
            picture = await pictures.get(connection, picture_id=entry.picture_id)
            job = await jobs.get(connection, job_id=entry.job_id)
            if picture is None or job is None or job.private:
                return None
            beside = {
                way: await search.page(
                    connection, wanted=wanted, order=asked.order, limit=1, beside=entry, way=way
                )
                for way in ("before", "after")
            }
            servers = {guild.guild_id: guild.name for guild in await web.guilds(connection)}
        return Picture(
            entry=entry,
            picture=picture,
            job=job,
            server=servers.get(entry.guild_id, ""),
            earlier=beside["before"][0].id if beside["before"] else "",
            later=beside["after"][0].id if beside["after"] else "",
        )

    async def file(self, entry_id: str, open_guilds: frozenset[int]) -> Entry | None:
        """The entry of a requested file."""
        async with self._database.reader() as connection:
            entry = await gallery.on_web(connection, entry_id=entry_id)
            if entry is None or not may_see(entry, open_guilds):
                return None
            job = await jobs.get(connection, job_id=entry.job_id)
        return None if job is None or job.private else entry

    def _wanted(self, asked: Asked, open_guilds: frozenset[int]) -> Wanted:
        return asked.wanted(now=self._clock.time(), open_guilds=open_guilds)


def may_see(entry: Entry, open_guilds: frozenset[int]) -> bool:
    """Everybody may see safe entries; others only those who see them in the server."""
    return entry.rating == Rating.SAFE or entry.guild_id in open_guilds
