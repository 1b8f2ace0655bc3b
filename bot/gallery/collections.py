"""Collections: named sets of pictures, private or shared on a server."""

from dataclasses import dataclass
from typing import Final

from bot.common.actor import Actor
from bot.common.clock import Clock
from bot.library.results import Results, known_picture
from data.gallery import collections, entries
from data.gallery.collections import Collection, Item
from data.people.presets import key_of
from data.store.connection import Connection
from data.store.database import Database
from data.store.ids import new_id
from pipeline.errors import InputError, RefusedError
from pipeline.prompt.clean import clean_text

MAX_COLLECTIONS: Final = 25  # per person: all of them fit into one autocompletion
MAX_NAME: Final = 50  # characters
MAX_ITEMS: Final = 500  # pictures in one


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionPage:
    """One page of a collection."""

    collection: Collection
    items: tuple[Item, ...]


class Collections:
    """Manages collections. Raises RefusedError and InputError."""

    def __init__(self, *, database: Database, results: Results, clock: Clock) -> None:
        self._database = database
        self._results = results
        self._clock = clock

    async def create(self, name: str, *, actor: Actor, shared: bool) -> Collection:
        """Create a private collection, or one that the members of this server share."""
        name = clean_text(name)
        if not key_of(name) or len(name) > MAX_NAME:
            raise InputError("collection_name", limit=MAX_NAME)
        if shared and actor.guild_id is None:
            raise RefusedError("collection_server_only")
        async with self._database.transaction() as connection:
            made = await collections.count_of(connection, owner_id=actor.user_id)
            if made >= MAX_COLLECTIONS:
                raise RefusedError("collections_full", limit=MAX_COLLECTIONS)
            collection_id = new_id()
            if not await collections.insert(
                connection,
                collection_id=collection_id,
                owner_id=actor.user_id,
                guild_id=actor.guild_id if shared else None,
                name=name,
                now=self._clock.time(),
            ):
                raise RefusedError("collection_exists", name=name)
            return await known_collection(connection, collection_id, actor)

    async def seen_by(self, actor: Actor) -> list[Collection]:
        """The collections that a person can see here."""
        return await self._database.read(
            collections.seen_by, user_id=actor.user_id, guild_id=actor.guild_id
        )

    async def find(self, typed: str, *, actor: Actor) -> Collection:
        """By id, or by name in any case; private ones first. RefusedError `collection_unknown`."""
        seen = await self.seen_by(actor)
        key = key_of(typed)
        fitting = [each for each in seen if typed == each.id or key_of(each.name) == key]
        fitting.sort(key=lambda each: (typed != each.id, each.owner_id != actor.user_id))
        if not fitting:
            raise RefusedError("collection_unknown", name=typed[:MAX_NAME])
        return fitting[0]

    async def add(self, collection_id: str, picture_id: str, *, actor: Actor) -> bool:
        """Add a picture that the person can see; False if it is already there. A shared collection
        takes only what everybody there may see."""
        async with self._database.transaction() as connection:
            collection = await known_collection(connection, collection_id, actor)
            await self._demand_visible(connection, collection, picture_id, actor)
            held = await collections.count_in(connection, collection_id=collection_id)
            if held >= MAX_ITEMS:
                raise RefusedError("collection_full", limit=MAX_ITEMS)
            return await collections.add(
                connection,
                collection_id=collection_id,
                picture_id=picture_id,
                added_by=actor.user_id,
                now=self._clock.time(),
            )

    async def _demand_visible(
        self, connection: Connection, collection: Collection, picture_id: str, actor: Actor
    ) -> None:
        job = (await known_picture(connection, picture_id)).job
        own = job.user_id == actor.user_id
        entry = await entries.of_picture(connection, picture_id=picture_id)
        state = "candidate" if entry is None else entry.state
        in_gallery = state == "posted" and job.guild_id == actor.guild_id
        if state in {"hidden", "removed"} and not own:
            raise RefusedError("collection_withdrawn")
        # Moderators can see private pictures, but not keep them.
        if not (own or in_gallery or (self._results.may_see(actor, job) and not job.private)):
            raise RefusedError("picture_private")
        public = not job.private and job.guild_id == collection.guild_id
        if collection.shared and not (in_gallery or public):
            raise RefusedError("collection_public_only")

    async def remove(self, collection_id: str, picture_id: str, *, actor: Actor) -> None:
        """Remove a picture: for the person who added it, the collection's owner, and moderators."""
        async with self._database.transaction() as connection:
            collection = await known_collection(connection, collection_id, actor)
            added_by = await collections.item(
                connection, collection_id=collection_id, picture_id=picture_id
            )
            if added_by is None:
                raise RefusedError("collection_lacks")
            if added_by != actor.user_id:
                _demand_owner(collection, actor)
            await collections.remove(connection, collection_id=collection_id, picture_id=picture_id)

    async def delete(self, collection_id: str, *, actor: Actor) -> Collection:
        """Delete a collection, not its pictures: for its owner, or moderators if shared."""
        async with self._database.transaction() as connection:
            collection = await known_collection(connection, collection_id, actor)
            _demand_owner(collection, actor)
            await collections.delete(connection, collection_id=collection_id)
        return collection

    async def page(
        self, collection_id: str, *, actor: Actor, offset: int, limit: int
    ) -> CollectionPage:
        """Some pictures of a collection, the latest first."""
        async with self._database.reader() as connection:
            collection = await known_collection(connection, collection_id, actor)
            found = await collections.items(
                connection,
                collection_id=collection_id,
                viewer_id=actor.user_id,
                offset=offset,
                limit=limit,
            )
        return CollectionPage(collection=collection, items=tuple(found))


async def known_collection(connection: Connection, collection_id: str, actor: Actor) -> Collection:
    """The collection, if the person may see it. Otherwise RefusedError `collection_unknown`."""
    found = await collections.get(connection, collection_id=collection_id, viewer_id=actor.user_id)
    if found is None or not (
        found.owner_id == actor.user_id or (found.shared and found.guild_id == actor.guild_id)
    ):
        raise RefusedError("collection_unknown", name=collection_id)
    return found


def _demand_owner(collection: Collection, actor: Actor) -> None:
    if collection.owner_id == actor.user_id:
        return
    if not (collection.shared and actor.is_moderator and actor.guild_id == collection.guild_id):
        raise RefusedError("collection_not_yours")
