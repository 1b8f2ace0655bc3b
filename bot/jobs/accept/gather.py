"""Accepting, first step: read what is known about the person, the place and the server."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.jobs.values import Origin
from bot.moderation.gate import check_allowed
from bot.moderation.loras import LoraRule, rule_for_member
from bot.moderation.member_limits import for_member
from bot.safety.ceiling import Ceiling, Place, effective_ceiling
from data.guilds import guild_limits, guild_loras, guild_settings, place_settings
from data.guilds.server_settings import LimitSet, PlaceRatings, Words
from data.jobs import pictures, uploads
from data.people import presets, user_defaults
from data.people.presets import Preset
from data.people.user_defaults import UserDefaults
from data.store.connection import Connection
from data.store.database import Database
from pipeline.errors import RefusedError
from pipeline.rating import Rating
from pipeline.request import GenerationRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the database contains that matters for one request.

    `here`: what the server allows this member. `place_negative`: what it adds to every negative
    prompt; None for a replay, which keeps what was added the first time. `loras`: which ones it
    allows this member. `init_size`: (width, height) in pixels of the init picture.
    """

    ceiling: Rating
    ratings: PlaceRatings
    person: UserDefaults
    words: Words
    here: LimitSet
    place_negative: str | None
    preset: Preset | None
    loras: LoraRule
    init_size: tuple[int, int] | None


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

    `saved` names one of the person's presets. The person's defaults are ignored for a `replay`.
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
        words, here, negative_prompt = await _server_rules(connection, origin)
        loras = await lora_rule(connection, guild_id=origin.guild_id, role_ids=origin.role_ids)
        return Circumstances(
            ceiling=ceiling.rating,
            ratings=ratings,
            person=(
                UserDefaults()
                if replay
                else await user_defaults.get(connection, user_id=origin.user_id)
            ),
            words=words,
            here=here,
            place_negative=None if replay else negative_prompt,
            preset=None if saved is None else await _preset(connection, origin.user_id, saved),
            loras=loras,
            init_size=(
                None
                if request.init_picture is None
                else await _size_of(connection, request.init_picture)
            ),
        )


async def _server_rules(connection: Connection, origin: Origin) -> tuple[Words, LimitSet, str]:
    """Words that the server blocks, what it allows this member, and its negative prompt."""
    if origin.guild_id is None:
        return Words(), LimitSet(), ""
    words = await guild_settings.words(connection, guild_id=origin.guild_id)
    made = await guild_limits.of_guild(connection, guild_id=origin.guild_id)
    own = for_member(made, guild_id=origin.guild_id, role_ids=origin.role_ids)
    return words, own, await guild_settings.negative_prompt(connection, guild_id=origin.guild_id)


async def lora_rule(
    connection: Connection, *, guild_id: int | None, role_ids: Iterable[int]
) -> LoraRule:
    """Which LoRAs a member may use; all in direct messages."""
    if guild_id is None:
        return LoraRule()
    made = await guild_loras.of_guild(connection, guild_id=guild_id)
    return rule_for_member(made, guild_id=guild_id, role_ids=role_ids)


async def _preset(connection: Connection, user_id: int, name: str) -> Preset:
    preset = await presets.get(connection, user_id=user_id, name=name)
    if preset is None:
        raise RefusedError("preset_unknown", name=name[:50])
    return preset


async def _size_of(connection: Connection, content_hash: str) -> tuple[int, int]:
    """(width, height) in pixels of a stored picture or upload."""
    size = await pictures.size_of_file(connection, content_hash=content_hash)
    if size is not None:
        return size
    upload = await uploads.get(connection, content_hash=content_hash)
    if upload is None:
        raise RefusedError("init_picture_gone")
    return upload.width, upload.height
