"""Accepting, first step: read what is known about the person, the place and the server."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.jobs.values import Origin
from bot.moderation.gate import check_allowed
from bot.moderation.loras import LoraRule, rule_for_member
from bot.moderation.member_limits import for_member
from bot.safety.ceiling import Ceiling, Place, effective_ceiling
from data.guilds import (
    guild_limits,
    guild_loras,
    guild_settings,
    guild_wildcards,
    place_settings,
)
from data.guilds.guild_wildcards import Entries
from data.guilds.server_settings import LimitSet, PlaceRatings, Words
from data.jobs import pictures, uploads
from data.people import presets, user_defaults
from data.people.presets import Preset
from data.people.user_defaults import UserDefaults
from data.store.connection import Connection
from data.store.database import Database
from pipeline.card import Speed
from pipeline.errors import RefusedError
from pipeline.prompt.wildcards.request import names_wildcards
from pipeline.rating import Rating
from pipeline.request import GenerationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the database contains that matters for one request.

    `here`: what the server allows this member. `place_negative`: what it adds to every negative
    prompt; None for a replay, which keeps what was added the first time. `loras`: which ones it
    allows this member. `wildcards`: the server's lists of words, by key, where the request may name
    one. `speed`: the server's default, which counts where the person has none; None for a replay.
    `init_size`: (width, height) in pixels of the init picture.
    """

    ceiling: Rating
    ratings: PlaceRatings
    person: UserDefaults
    words: Words
    here: LimitSet
    place_negative: str | None
    presets: tuple[Preset, ...]
    loras: LoraRule
    init_size: tuple[int, int] | None
    wildcards: Mapping[str, Entries] = field(default_factory=dict[str, Entries])
    speed: Speed | None = None


async def ceiling_of(
    database: Database, *, place: Place, guild_id: int | None, channel_id: int, output_check: bool
) -> tuple[Ceiling, PlaceRatings]:
    """What a place allows now, with its settings. `output_check`: whether there is one."""
    async with database.reader() as connection:
        ratings = await place_settings.ratings(connection, guild_id=guild_id, channel_id=channel_id)
    ceiling = effective_ceiling(
        place=place,
        guild_ceiling=ratings.guild_ceiling,
        channel_ceiling=ratings.channel_ceiling,
        output_check=output_check,
    )
    return ceiling, ratings


async def gather(
    database: Database,
    request: GenerationRequest,
    origin: Origin,
    *,
    saved: str | None,
    replay: bool,
    output_check: bool,
    now: float,
) -> Circumstances:
    """Read what matters for `request`.

    `saved` names presets of the person. The person's defaults are ignored for a `replay`.
    RefusedError if the person may not ask here, or names something that does not exist.
    """
    ceiling, ratings = await ceiling_of(
        database,
        place=origin.place,
        guild_id=origin.guild_id,
        channel_id=origin.rules_channel_id,
        output_check=output_check,
    )
    async with database.reader() as connection:
        await check_allowed(
            connection,
            user_id=origin.user_id,
            guild_id=origin.guild_id,
            channel_id=origin.rules_channel_id,
            now=now,
        )
        speed = None
        if origin.guild_id is not None and not replay:
            speed = await guild_settings.default_speed(connection, guild_id=origin.guild_id)
        words, here, negative_prompt = await _server_rules(connection, origin)
        loras = await lora_rule(connection, guild_id=origin.guild_id, role_ids=origin.role_ids)
        found = await chosen_presets(connection, user_id=origin.user_id, saved=saved)
        person = UserDefaults()
        if not replay:
            person = await user_defaults.get(connection, user_id=origin.user_id)
        own = GenerationRequest(negative_prompt=person.negative_prompt)
        typed = (request, own, *(each.request for each in found))
        return Circumstances(
            ceiling=ceiling.rating,
            ratings=ratings,
            person=person,
            words=words,
            here=here,
            place_negative=None if replay else negative_prompt,
            presets=found,
            loras=loras,
            speed=speed,
            init_size=(
                None
                if request.init_picture is None
                else await _size_of(connection, request.init_picture)
            ),
            wildcards=await _wildcards(connection, origin.guild_id, typed),
        )


async def _server_rules(connection: Connection, origin: Origin) -> tuple[Words, LimitSet, str]:
    """Words that the server blocks, what it allows this member, and its negative prompt."""
    if origin.guild_id is None:
        return Words(), LimitSet(), ""
    words = await guild_settings.words(connection, guild_id=origin.guild_id)
    made = await guild_limits.of_guild(connection, guild_id=origin.guild_id)
    own = for_member(made, guild_id=origin.guild_id, role_ids=origin.role_ids)
    return words, own, await guild_settings.negative_prompt(connection, guild_id=origin.guild_id)


async def _wildcards(
    connection: Connection, guild_id: int | None, typed: Iterable[GenerationRequest]
) -> Mapping[str, Entries]:
    """The server's lists, if one may be named."""
    if guild_id is None or not names_wildcards(*typed):
        return {}
    return await guild_wildcards.of_guild(connection, guild_id=guild_id)


async def lora_rule(
    connection: Connection, *, guild_id: int | None, role_ids: Iterable[int]
) -> LoraRule:
    """Which LoRAs a member may use; all in direct messages."""
    if guild_id is None:
        return LoraRule()
    made = await guild_loras.of_guild(connection, guild_id=guild_id)
    return rule_for_member(made, guild_id=guild_id, role_ids=role_ids)


async def chosen_presets(
    connection: Connection, *, user_id: int, saved: str | None
) -> tuple[Preset, ...]:
    """The presets that `saved` names: one, or several with commas between them. RefusedError
    `preset_unknown`."""
    if saved is None:
        return ()
    whole = await presets.get(connection, user_id=user_id, name=saved)
    if whole is not None:  # a name may have a comma
        return (whole,)
    found: list[Preset] = []
    for name in (each.strip() for each in saved.split(",") if each.strip()):
        preset = await presets.get(connection, user_id=user_id, name=name)
        if preset is None:
            raise RefusedError("preset_unknown", name=name[:50])
        if preset not in found:  # its words would count twice
            found.append(preset)
    if not found:
        raise RefusedError("preset_unknown", name=saved[:50])
    return tuple(found)


async def _size_of(connection: Connection, content_hash: str) -> tuple[int, int]:
    """(width, height) in pixels of a stored picture or upload."""
    size = await pictures.size_of_file(connection, content_hash=content_hash)
    if size is not None:
        return size
    upload = await uploads.get(connection, content_hash=content_hash)
    if upload is None:
        raise RefusedError("init_picture_gone")
    return upload.width, upload.height
