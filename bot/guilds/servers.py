"""Reads and changes what moderators set for their server. Every change is in the audit log with its
old and new value. Simultaneous changes of different settings are both kept.

Callers check permissions.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Literal

from bot.common.actor import Actor
from bot.common.languages import ServerLanguages
from bot.moderation.audit import Audit
from bot.moderation.words import checked, find_blocked
from bot.outbox.service import Outbox
from bot.safety.rules import check_prompt, refusal
from data.guilds import guild_limits, guild_loras, guild_settings, place_settings
from data.guilds.audit import AuditKind
from data.guilds.guild_loras import Allowed
from data.guilds.place_settings import Scope
from data.guilds.server_settings import (
    LIMIT_NAMES,
    SETTINGS,
    GuildSettings,
    LimitSet,
    PlaceRatings,
    WordList,
    Words,
    settings_by,
)
from data.store.connection import Connection
from data.store.database import Database
from pipeline.errors import InputError, RefusedError
from pipeline.prompt.clean import clean_prompt
from pipeline.rating import Rating

Change = Callable[[GuildSettings], GuildSettings]
RatingKind = Literal["ceiling", "default"]

MAX_ROLES: Final = 50  # with limits of their own, in one server
_MAX_SHOWN: Final = 20  # words or LoRAs of a change that the log names


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerBounds:
    """The highest values that a server may set, by name of LimitSet; no bound if missing."""

    high: Mapping[str, int]

    @property
    def limits(self) -> LimitSet:
        """The same as limits; None where there is no bound."""
        return LimitSet(**self.high)

    def check(self, limits: LimitSet) -> None:
        """InputError `limit_out_of_bounds` for the first one that is outside."""
        for row in settings_by("limit"):
            value, high = getattr(limits, row.name), self.high.get(row.name, row.high)
            if value is not None and not row.low <= value <= high:
                raise InputError("limit_out_of_bounds", value=value, low=row.low, high=high)


class Servers:
    """The settings of servers."""

    def __init__(
        self,
        *,
        database: Database,
        audit: Audit,
        outbox: Outbox,
        bounds: OwnerBounds,
        languages: ServerLanguages,
    ) -> None:
        self._database = database
        self._outbox = outbox
        self._audit = audit
        self._languages = languages
        self.bounds = bounds

    async def settings(self, guild_id: int) -> GuildSettings:
        """The server's settings; defaults for those that are not set."""
        return await self._database.read(guild_settings.get, guild_id=guild_id)

    async def change(self, actor: Actor, change: Change) -> GuildSettings:
        """Apply `change` to the current settings. InputError `value_out_of_range`."""
        guild_id = _guild_of(actor)
        async with self._database.transaction() as connection:
            old = await guild_settings.get(connection, guild_id=guild_id)
            new = change(old)
            _check_bounds(new)
            await guild_settings.put(connection, guild_id=guild_id, settings=new)
            for field in fields(GuildSettings):
                before, after = getattr(old, field.name), getattr(new, field.name)
                if before != after:
                    await self._changed(connection, actor, field.name, before, after)
        self._languages.choose(guild_id, new.language)
        await self._outbox.wake(guild_id)  # rejected messages may succeed with the new settings
        return new

    async def set_negative_prompt(self, actor: Actor, typed: str) -> GuildSettings:
        """Set what is added to every negative prompt of the server; "" removes it.

        InputError `negative_too_long`; RefusedError if it breaks a hard rule or one of the server's
        at any rating, because then every request would be refused.
        """
        wanted = clean_prompt(typed).strip(" ,")
        high = SETTINGS["negative_prompt"].high
        if len(wanted) > high:
            raise InputError("negative_too_long", length=len(wanted), limit=high)
        words = await self.words(_guild_of(actor))
        await asyncio.to_thread(_refuse_negative, wanted, words)
        return await self.change(actor, lambda made: replace(made, negative_prompt=wanted))

    async def ratings(self, guild_id: int, channel_id: int) -> PlaceRatings:
        """What is set for the server and a channel."""
        return await self._database.read(
            place_settings.ratings, guild_id=guild_id, channel_id=channel_id
        )

    async def set_rating(
        self, actor: Actor, *, channel_id: int | None, kind: RatingKind, rating: Rating | None
    ) -> None:
        """Set (None: unset) the ceiling or the default of a channel, or with None of the server."""
        guild_id = _guild_of(actor)
        scope: Scope = "guild" if channel_id is None else "channel"
        async with self._database.transaction() as connection:
            made = await place_settings.ratings(
                connection, guild_id=guild_id, channel_id=channel_id or 0
            )
            name = f"{scope}_{kind}"
            new, old = replace(made, **{name: rating}), getattr(made, name)
            await place_settings.set_ratings(
                connection,
                scope=scope,
                id=channel_id or guild_id,
                guild_id=guild_id,
                ceiling=getattr(new, f"{scope}_ceiling"),
                default=getattr(new, f"{scope}_default"),
            )
            if old != rating:
                before, after = _label(old), _label(rating)
                await self._changed(connection, actor, name, before, after, channel_id=channel_id)

    async def words(self, guild_id: int) -> Words:
        """The server's own rules on prompts."""
        return await self._database.read(guild_settings.words, guild_id=guild_id)

    async def set_words(self, actor: Actor, which: WordList, words: frozenset[str]) -> Words:
        """Replace a list. InputError as in `bot.moderation.words.checked`."""
        return await self.change_words(actor, which, lambda _: words)

    async def change_words(
        self, actor: Actor, which: WordList, change: Callable[[frozenset[str]], frozenset[str]]
    ) -> Words:
        """Apply `change` to the current list."""
        guild_id = _guild_of(actor)
        async with self._database.transaction() as connection:
            old = await guild_settings.words(connection, guild_id=guild_id)
            before: frozenset[str] = getattr(old, which)
            after = checked(change(before))
            await guild_settings.put_words(connection, guild_id=guild_id, which=which, words=after)
            if before != after:
                details = {
                    "list": which,
                    "added": sorted(after - before)[:_MAX_SHOWN],
                    "removed": sorted(before - after)[:_MAX_SHOWN],
                    "old": len(before),
                    "new": len(after),
                }
                await self._audit.record_act(
                    connection, actor, AuditKind.WORDS_CHANGED, None, details
                )
        return replace(old, **{which: after})

    async def limits(self, guild_id: int) -> dict[int, LimitSet]:
        """Limits by role; the server's own id is everyone's role."""
        return await self._database.read(guild_limits.of_guild, guild_id=guild_id)

    async def change_limits(
        self, actor: Actor, *, role_id: int, change: Callable[[LimitSet], LimitSet]
    ) -> LimitSet:
        """Apply `change` to the limits of a role. InputError `limit_out_of_bounds`,
        `roles_too_many`."""
        guild_id = _guild_of(actor)
        async with self._database.transaction() as connection:
            made = await guild_limits.of_guild(connection, guild_id=guild_id)
            old = made.get(role_id, LimitSet())
            new = change(old)
            self.bounds.check(new)
            if role_id not in made and len(made) >= MAX_ROLES:
                raise InputError("roles_too_many", limit=MAX_ROLES)
            await guild_limits.put(connection, guild_id=guild_id, role_id=role_id, limits=new)
            for name in LIMIT_NAMES:
                before, after = getattr(old, name), getattr(new, name)
                if before != after:
                    await self._changed(connection, actor, name, before, after, role_id=role_id)
        return new

    async def loras(self, guild_id: int) -> Mapping[int, Allowed]:
        """The LoRAs that are allowed by role; the server's own id is everyone's role."""
        return await self._database.read(guild_loras.of_guild, guild_id=guild_id)

    async def set_loras(
        self, actor: Actor, *, role_id: int, allowed: Allowed | Literal["unset"]
    ) -> None:
        """Set which LoRAs a role may use, by key (None: all); "unset" leaves it without a rule of
        its own. InputError `roles_too_many`."""
        guild_id = _guild_of(actor)
        async with self._database.transaction() as connection:
            made = await guild_loras.of_guild(connection, guild_id=guild_id)
            old: Allowed | Literal["unset"] = made.get(role_id, "unset")
            if allowed == "unset":
                await guild_loras.remove(connection, guild_id=guild_id, role_id=role_id)
            elif role_id not in made and len(made) >= MAX_ROLES:
                raise InputError("roles_too_many", limit=MAX_ROLES)
            else:
                await guild_loras.put(
                    connection, guild_id=guild_id, role_id=role_id, allowed=allowed
                )
            if old != allowed:
                before, after = _loras_logged(old), _loras_logged(allowed)
                await self._changed(connection, actor, "loras", before, after, role_id=role_id)

    async def _changed(
        self,
        connection: Connection,
        actor: Actor,
        setting: str,
        old: object,
        new: object,
        *,
        channel_id: int | None = None,
        role_id: int | None = None,
    ) -> None:
        details: dict[str, Any] = {
            "setting": setting,
            "old": _plain(old),
            "new": _plain(new),
        }
        if channel_id is not None:
            details["of_channel"] = str(channel_id)
        if role_id is not None:
            details["of_role"] = str(role_id)
        await self._audit.record_act(connection, actor, AuditKind.SETTING_CHANGED, None, details)


def _guild_of(actor: Actor) -> int:
    if actor.guild_id is None:
        raise ValueError("a server's settings need a server")
    return actor.guild_id


def _refuse_negative(negative_prompt: str, words: Words) -> None:
    violation = check_prompt("", negative_prompt, rating=max(Rating))
    if violation is not None:
        raise refusal(violation)
    word = find_blocked(words, "", negative_prompt)
    if word is not None:
        raise RefusedError("server_rule", word=word)


def _check_bounds(settings: GuildSettings) -> None:
    for row in settings_by("number"):
        value = getattr(settings, row.name)
        if not row.low <= value <= row.high:
            raise InputError("value_out_of_range", value=value, low=row.low, high=row.high)


def _loras_logged(allowed: Allowed | Literal["unset"]) -> object:
    """For the log: `all`, `none`, or the first names of a list."""
    if allowed == "unset":
        return None
    if allowed is None:
        return "all"
    return sorted(allowed)[:_MAX_SHOWN] or "none"


def _label(rating: Rating | None) -> str | None:
    return None if rating is None else rating.label


def _plain(value: object) -> Any:
    """A value for JSON: ids as text, because many readers round large numbers."""
    match value:
        case frozenset():
            return sorted(str(each) for each in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - ids
        case bool() | None | str():
            return value
        case int() if value > 2**53:
            return str(value)
        case _:
            return value
