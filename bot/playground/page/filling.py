"""Fills a new playground: the greeting, a gallery, pictures of two members, stars.

Everything is done by the simulated people through the routes that the page uses, and kept in the
playground's folder. What an interrupted filling left is done at the next start.
"""

import logging
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp

from bot.app import Ekaki
from bot.common.terminal import note
from bot.playground.page.residents import ActionError, Panel, Residents, until
from bot.playground.simulator.default_world import IDS
from data.jobs import jobs
from data.jobs.jobs import JobRecord
from data.store import notes
from pipeline.errors import StorageError

_log = logging.getLogger(__name__)

STAR: Final = "⭐"
STARS_NEEDED: Final = 2
INVITED: Final = (
    f"I've invited Ekaki, a bot that draws pictures. Draw here or in <#{IDS.art}>; a picture with "
    f"{STARS_NEEDED} stars goes into <#{IDS.gallery}>."
)
_NOTE: Final = "playground_filling"
_BEGUN, _DONE = "begun", "done"
_PAGE: Final = 100  # jobs read at once


Key = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A picture to be drawn: by whom, with which options of `/imagine`, and who stars it."""

    by: int
    options: dict[str, Any]
    stars: tuple[int, ...] = ()

    @property
    def key(self) -> Key:
        """What tells it apart from other pictures of its maker."""
        return self.options["prompt"], self.options["seed"]


def pieces() -> list[Piece]:
    """The pictures of `pictures.toml`."""
    ids = {"alice": IDS.alice, "bob": IDS.bob, "mika": IDS.moderator, "olga": IDS.owner}
    path = Path(__file__).with_name("pictures.toml")
    return [
        Piece(
            by=ids[each.pop("by")],
            stars=tuple(ids[name] for name in each.pop("stars", ())),
            options=each,
        )
        for each in tomllib.loads(path.read_text(encoding="utf-8"))["picture"]
    ]


async def fill(bot: Ekaki, url: str, *, wanted: Sequence[Piece]) -> None:
    """Fill the playground at `url`, unless a person drew there before it was ever filled."""
    database = bot.services.database
    try:
        begun = await database.read(notes.get, key=_NOTE)
        if begun == _DONE or (begun is None and await database.read(jobs.any_stored)):
            return
        await database.write(notes.put, key=_NOTE, value=_BEGUN)
        async with Residents(url) as residents:
            filling = _Filling(bot, residents)
            if begun is None:
                await residents.act("say", IDS.moderator, channel=str(IDS.general), content=INVITED)
            await residents.act("invite", IDS.moderator, guild=str(IDS.guild))
            await filling.set_up()
            await filling.draw(wanted)
        await database.write(notes.put, key=_NOTE, value=_DONE)
    except (ActionError, StorageError, aiohttp.ClientError) as error:
        _log.warning("The playground is not filled to the end: %s", error)


class _Filling:
    def __init__(self, bot: Ekaki, residents: Residents) -> None:
        self._services = bot.services
        self._residents = residents

    async def set_up(self) -> None:
        """A moderator sets up a gallery with a web page, which Alice and Bob agree to be on."""
        made = await self._services.servers.settings(IDS.guild)
        if made.gallery_channel_id is not None and made.gallery_web:
            return
        mika, residents = IDS.moderator, self._residents
        for member in (IDS.alice, IDS.bob):
            said = await residents.command(member, "gallery public", IDS.general, on=True)
            answer = Panel(IDS.general, str(said["message_id"]))
            await residents.complete(member, answer)
            await residents.act("delete", member, message=answer.message_id)
        opened = await residents.command(mika, "settings", IDS.general)
        panel = Panel(IDS.general, str(opened["message_id"]))

        async def use(action: str, custom_id: str, **given: Any) -> None:
            await residents.redrawn(
                mika, panel, action, message=panel.message_id, custom_id=custom_id, **given
            )

        if not made.set_up:
            await use("press", "ekaki:set:go:done:0")
        await use("select", "ekaki:set:page", values=["gallery"])
        if made.gallery_channel_id is None:
            menu = "ekaki:set:channel:gallery_channel_id:gallery"
            await use("select", menu, values=[str(IDS.gallery)])
        if made.gallery_threshold != STARS_NEEDED:
            form = await residents.use(
                "press", mika, message=panel.message_id, custom_id="ekaki:set:form:threshold:0"
            )
            typed = {"number": str(STARS_NEEDED)}
            sent = {"interaction": form["interaction_id"], "values": typed}
            await residents.redrawn(mika, panel, "submit_modal", **sent)
        await use("press", "ekaki:set:toggle:gallery_web:0")
        await residents.act("delete", mika, message=panel.message_id)

    async def draw(self, wanted: Sequence[Piece]) -> None:
        """Draw what is not drawn yet, one after the other, and star it."""
        known = {person: await self._jobs(person) for person in {piece.by for piece in wanted}}
        left = sum(piece.key not in known[piece.by] for piece in wanted)
        if left:
            note(f"Alice and Bob are drawing {left} pictures; what you ask for is drawn first.")
        for piece in wanted:
            try:
                job = known[piece.by].get(piece.key) or await self._ask(piece)
                await self._star(piece, await self._told(job.id))
            except ActionError as error:  # the place was changed meanwhile
                _log.info("A picture of the filling was left out: %s", error)

    async def _ask(self, piece: Piece) -> JobRecord:
        """Ask for it once nobody else waits. Returns the accepted job."""
        await self._idle()
        await self._residents.command(piece.by, "imagine", IDS.art, **piece.options)
        accepted = (await self._jobs(piece.by)).get(piece.key)
        if accepted is None:
            raise ActionError("the bot did not accept it")
        return accepted

    async def _told(self, job_id: str) -> JobRecord:
        """The job, once its message shows how it ended, after which stars count."""

        async def told() -> JobRecord | None:
            job = await self._services.jobs.job(job_id)
            if job is None:
                raise ActionError("it was deleted")
            return None if job.delivery == "pending" else job

        return await until(told)

    async def _star(self, piece: Piece, job: JobRecord) -> None:
        for person in piece.stars:
            message = str(job.message_id)
            await self._residents.act("react", person, message=message, emoji=STAR)

    async def _idle(self) -> None:
        """Until nobody waits for a picture: a visitor's is always the next."""

        async def idle() -> bool | None:
            queue = await self._services.jobs.queue_view(user_id=0)
            return None if queue.running or queue.waiting else True

        await until(idle)

    async def _jobs(self, person: int) -> dict[Key, JobRecord]:
        """A person's jobs as `Piece.key` names them; the first of each."""
        found: dict[Key, JobRecord] = {}
        last: JobRecord | None = None
        read = self._services.database.read
        while page := await read(jobs.page_of_user, user_id=person, after=last, limit=_PAGE):
            for last in page:
                found.setdefault((last.request.original.prompt, last.request.seed), last)
        return found
