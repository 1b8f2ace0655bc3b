"""A server's lists of words for `__name__` in prompts, beside those that the bot brings.

Callers check permissions. Every change is in the audit log.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Final

from bot.common.actor import Actor
from bot.library.suggestions import MAX_CHOICE, MAX_SUGGESTIONS, Suggestion
from bot.moderation.audit import Audit
from bot.safety.rules import check_prompt, refusal
from data.guilds import guild_wildcards
from data.guilds.audit import AuditKind
from data.guilds.guild_wildcards import Entries
from data.store.connection import Connection
from data.store.database import Database
from pipeline.card import MAX_PROMPT_CHARACTERS
from pipeline.errors import InputError
from pipeline.prompt.clean import clean_text
from pipeline.prompt.wildcards.choosing import ChoiceLists, check
from pipeline.prompt.wildcards.grammar import list_key, read_template
from pipeline.rating import Rating
from pipeline.tags.complete import Completion
from pipeline.tags.labels import label, meant

MAX_LISTS: Final = 50  # of one server
MAX_ENTRIES: Final = 300  # of one list
MAX_ENTRY: Final = 200  # characters
MAX_CHARACTERS: Final = 200_000  # of all lists of a server: read at each key that is typed
MAX_NAME: Final = 40  # characters, also in the schema
_MAX_SHOWN: Final = 20  # entries of a change that the log names

_NAME = re.compile(r"[^\W_]+(?:[_/][^\W_]+)*")
_BEGUN = re.compile(r"(?:(?<![a-zA-Z0-9_/])|(?<=__))__(?P<name>(?:[^_\s,{}|]|_(?!_))*)\Z")
_COMMENT = re.compile(r"\s*(?:#(?:\s|$)|//).*")
_NO_PLACE = re.compile(r"(?:^|\s)(?:--|\u2014|\u2013)\w|<\s*\w+\s*:", re.IGNORECASE)  # flags, LoRAs


class Wildcards:
    """The lists of each server."""

    def __init__(self, *, database: Database, audit: Audit, shipped: Mapping[str, Entries]) -> None:
        self._database = database
        self._audit = audit
        self.shipped = shipped

    async def own(self, guild_id: int | None) -> Mapping[str, Entries]:
        """The server's own lists, by key; none in direct messages."""
        if guild_id is None:
            return {}
        return await self._database.read(guild_wildcards.of_guild, guild_id=guild_id)

    async def all(self, guild_id: int | None) -> Mapping[str, Entries]:
        """All that can be used in a place, by key. A server's own list replaces one of ours."""
        return dict(sorted({**self.shipped, **await self.own(guild_id)}.items()))

    async def names(self, guild_id: int | None) -> list[str]:
        """The keys of all."""
        own: list[str] = []
        if guild_id is not None:
            own = await self._database.read(guild_wildcards.names, guild_id=guild_id)
        return sorted({*self.shipped, *own})

    async def get(self, guild_id: int | None, name: str) -> tuple[str, Entries]:
        """A list with its key. InputError `wildcard_unknown`, `wildcard_similar`."""
        key = key_of(name)
        lists = await self.all(guild_id)
        if key not in lists:
            raise ChoiceLists(lists).unknown(key)
        return key, lists[key]

    async def in_prompt(self, typed: str, guild_id: int | None) -> list[Suggestion] | None:
        """Suggestions for a prompt that ends in `__po`; None for any other."""
        typed = meant(typed)
        begun = _BEGUN.search(typed)
        if begun is None:
            return None
        head, wanted = typed[: begun.start()], list_key(begun["name"])
        lists = await self.all(guild_id)
        made = (_suggestion(head, key, lists[key]) for key in lists if wanted in key)
        return [each for each in made if each is not None][:MAX_SUGGESTIONS]

    async def put(self, actor: Actor, name: str, typed: str) -> tuple[str, Entries]:
        """Make or replace a list from text with an entry a line; returns what is stored.

        InputError `wildcard_name`, `wildcard_empty`, `wildcard_entry`, `wildcard_entry_long`,
        `wildcard_entries_many`, `wildcards_many`, `wildcards_large`, and what `check` raises;
        RefusedError for words that no request may have.
        """
        guild_id = _guild_of(actor)
        key, entries = checked_key(name), await asyncio.to_thread(entries_of, typed)
        lists = {**await self.all(guild_id), key: entries}
        # Up to a second. Lists that change meanwhile are checked with each request anyway.
        await asyncio.to_thread(_check_use, key, lists)
        async with self._database.transaction() as connection:
            made = await guild_wildcards.of_guild(connection, guild_id=guild_id)
            _check_room({**made, key: entries})
            await guild_wildcards.put(connection, guild_id=guild_id, name=key, entries=entries)
            await self._changed(connection, actor, key, made.get(key, ()), entries)
        return key, entries

    async def remove(self, actor: Actor, name: str) -> str:
        """Remove one of the server's lists; returns its key. InputError as `get`, and
        `wildcard_shipped` for one of ours."""
        guild_id, key = _guild_of(actor), key_of(name)
        async with self._database.transaction() as connection:
            made = await guild_wildcards.of_guild(connection, guild_id=guild_id)
            if not await guild_wildcards.remove(connection, guild_id=guild_id, name=key):
                if key in self.shipped:
                    raise InputError("wildcard_shipped", name=key)
                raise ChoiceLists(made).unknown(key)
            await self._changed(connection, actor, key, made.get(key, ()), ())
        return key

    async def _changed(
        self, connection: Connection, actor: Actor, key: str, old: Entries, new: Entries
    ) -> None:
        if old == new:
            return
        before, after = set(old), set(new)
        details = {
            "wildcard": key,
            "added": [each for each in new if each not in before][:_MAX_SHOWN],
            "removed": [each for each in old if each not in after][:_MAX_SHOWN],
            "old": len(old),
            "new": len(new),
        }
        kind = AuditKind.WILDCARDS_CHANGED
        await self._audit.record_act(connection, actor, kind, None, details)


def _suggestion(head: str, key: str, entries: Entries) -> Suggestion | None:
    """A row with the first entries, as far as there is room; None if there is none at all."""
    value = f"__{key}__"
    if len(head + value) > MAX_CHOICE:
        return None
    whole = Completion(head, value, "")
    labels = (label(whole, entries[:shown]) for shown in (5, 3, 1, 0))
    name = next((each for each in labels if len(each) <= MAX_CHOICE), None)
    return None if name is None else Suggestion(name, head + value)


def key_of(name: str) -> str:
    """The key of a typed name, with or without its underscores."""
    return list_key(name).strip("_")


def checked_key(name: str) -> str:
    """The same of a new list. InputError `wildcard_name`."""
    key = key_of(clean_text(name))
    if _NAME.fullmatch(key) is None or len(key) > MAX_NAME:
        raise InputError("wildcard_name", name=name[:60], limit=MAX_NAME)
    return key


def entries_of(typed: str) -> Entries:
    """The entries of a text with one a line, each once; `#` starts a comment. Takes up to tenths of
    a second. InputError and RefusedError as `Wildcards.put`."""
    lines = (clean_text(_COMMENT.sub("", line, count=1)) for line in typed.splitlines())
    found = tuple(dict.fromkeys(line for line in lines if line))
    if not found:
        raise InputError("wildcard_empty")
    if len(found) > MAX_ENTRIES:
        raise InputError("wildcard_entries_many", limit=MAX_ENTRIES, count=len(found))
    for each in found:
        if len(each) > MAX_ENTRY:
            raise InputError("wildcard_entry_long", limit=MAX_ENTRY, entry=each[:60])
        if _NO_PLACE.search(each):
            raise InputError("wildcard_entry", entry=each[:60])
    _refuse(found)
    return found


def _refuse(entries: Iterable[str]) -> None:
    """Raises RefusedError for words that are refused in every request."""
    for each in entries:
        violation = check_prompt(each, "", rating=Rating.SAFE)
        if violation is not None:
            raise refusal(violation)


def _check_room(own: Mapping[str, Entries]) -> None:
    """Raises InputError for more lists than a server may have."""
    if len(own) > MAX_LISTS:
        raise InputError("wildcards_many", limit=MAX_LISTS)
    if sum(map(len, chain.from_iterable(own.values()))) > MAX_CHARACTERS:
        raise InputError("wildcards_large", limit=MAX_CHARACTERS)


def _check_use(key: str, lists: Mapping[str, Entries]) -> None:
    """Raises InputError for a list that no prompt can use. It may name lists that come later."""
    try:
        check(read_template(f"__{key}__"), ChoiceLists(lists), longest=MAX_PROMPT_CHARACTERS)
    except InputError as error:
        if error.key not in {"wildcard_unknown", "wildcard_similar"}:
            raise


def _guild_of(actor: Actor) -> int:
    if actor.guild_id is None:
        raise ValueError("a server's lists need a server")
    return actor.guild_id
