"""What a request becomes before it is stored: defaults, a saved preset, ceiling and rules."""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from aiosqlite import Connection

from bot.jobs.accept.limits import DAY_S, HOUR_S, Limits, ServerLimits, UserLimits, Window, window
from bot.jobs.values import Origin
from bot.moderation.gate import check_door
from bot.moderation.member_limits import for_member
from bot.moderation.words import find_blocked
from bot.safety.ceiling import Ceiling, Place, effective_ceiling
from bot.safety.request import RatingOf, prompts_to_check, refuse_forbidden
from data.guilds import guild_limits, guild_settings, place_settings
from data.guilds.guild_limits import LimitSet
from data.guilds.guild_settings import Words
from data.guilds.place_settings import PlaceRatings
from data.jobs import jobs, pictures, quota, quota_grants, uploads
from data.jobs.quota import Use
from data.people import presets, user_defaults
from data.people.presets import Preset
from data.people.user_defaults import UserDefaults
from data.store.database import Database
from pipeline.aspect import parse_aspect
from pipeline.errors import InputError, RefusedError
from pipeline.prompt.clean import clean_prompt
from pipeline.prompt.flags import fold_flags
from pipeline.prompt.read import read_prompt
from pipeline.prompt.weights import plain_tags
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, resolve
from pipeline.tag_category import TagCategory


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRules:
    """What every request is measured by. `max_age_s`: older open jobs are closed at start.
    `output_check`: finished pictures are checked; else `nsfw` and `explicit` stay off.
    `max_weight`: the most that a server may give a role of the queue. `kept_s`: how long pictures
    are kept that nobody marked or showed; None: for ever."""

    defaults: Defaults
    limits: Limits
    category_of: Callable[[str], TagCategory | None]
    rating_of: RatingOf
    max_age_s: float
    output_check: bool = False
    max_weight: int = 1
    kept_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circumstances:
    """What the database knows that bears on one request. `init_size`: (width, height) in pixels."""

    ceiling: Rating
    ratings: PlaceRatings
    person: UserDefaults
    words: Words
    here: LimitSet
    preset: Preset | None
    init_size: tuple[int, int] | None
    size_multiple: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What will be drawn, and the tags of the vocabulary that were typed for it. `here`: what the
    server allows this member. `weight`: their share of the queue."""

    request: ResolvedRequest
    ceiling: Rating
    tags: tuple[str, ...]
    here: LimitSet
    weight: int


class Admission:
    """Decides requests. Keeps nothing and changes nothing."""

    def __init__(self, database: Database, rules: JobRules) -> None:
        self._database = database
        self._rules = rules

    async def ceiling(
        self, *, place: Place, guild_id: int | None, channel_id: int
    ) -> tuple[Ceiling, PlaceRatings]:
        """What the place allows now, with what was set there."""
        async with self._database.reader() as connection:
            ratings = await place_settings.ratings(
                connection, guild_id=guild_id, channel_id=channel_id
            )
        ceiling = effective_ceiling(
            place=place,
            guild_ceiling=ratings.guild_ceiling,
            channel_ceiling=ratings.channel_ceiling,
            output_check=self._rules.output_check,
        )
        return ceiling, ratings

    async def decide(
        self,
        request: GenerationRequest,
        origin: Origin,
        *,
        saved: str | None,
        replay: bool,
        size_multiple: int | None,
        now: float,
    ) -> Decision:
        """Everything about `request`, decided. InputError or RefusedError say what is against it.
        `size_multiple` is the model's; None while it is loading.

        What is said in the request counts more than the preset `saved`, that more than the person's
        own defaults (left out for a `replay`), those more than the place's and the operator's.
        """
        known = await self._circumstances(request, origin, saved=saved, replay=replay, now=now)
        if size_multiple is not None:
            known = replace(known, size_multiple=size_multiple)
        # In a thread: the longest prompts take tens of milliseconds to take apart.
        decision = await asyncio.to_thread(self._decide, request, known, origin.weight)
        if origin.missing_permissions:
            raise RefusedError("bot_lacks_permissions", permissions=origin.missing_permissions)
        return decision

    async def limits_of(
        self, *, user_id: int, guild_id: int | None, role_ids: Iterable[int], now: float
    ) -> UserLimits:
        """What `user_id` has used and may still use, everywhere and in the server `guild_id`."""
        limits = self._rules.limits
        async with self._database.reader() as connection:
            uses = await quota.uses_since(connection, user_id=user_id, since=now - DAY_S)
            waiting = await jobs.count_open(connection, user_id=user_id)
            here = None
            if guild_id is not None:
                made = await guild_limits.of_guild(connection, guild_id=guild_id)
                own = for_member(made, guild_id=guild_id, role_ids=role_ids)
                here = await _server_limits(connection, own, user_id, guild_id, now)
        return UserLimits(
            hour=window(uses, limit=limits.pictures_per_hour, length_s=HOUR_S, now=now),
            day=window(uses, limit=limits.pictures_per_day, length_s=DAY_S, now=now),
            waiting=waiting,
            waiting_limit=limits.waiting_jobs_per_user,
            here=here,
        )

    async def _circumstances(
        self,
        request: GenerationRequest,
        origin: Origin,
        *,
        saved: str | None,
        replay: bool,
        now: float,
    ) -> _Circumstances:
        ceiling, ratings = await self.ceiling(
            place=origin.place, guild_id=origin.guild_id, channel_id=origin.rules_channel_id
        )
        person, preset, init_size = UserDefaults(), None, None
        words, here = Words(), LimitSet()
        async with self._database.reader() as connection:
            await check_door(
                connection,
                user_id=origin.user_id,
                guild_id=origin.guild_id,
                channel_id=origin.rules_channel_id,
                now=now,
            )
            if origin.guild_id is not None:
                words = await guild_settings.words(connection, guild_id=origin.guild_id)
                made = await guild_limits.of_guild(connection, guild_id=origin.guild_id)
                here = for_member(made, guild_id=origin.guild_id, role_ids=origin.role_ids)
            if not replay:
                person = await user_defaults.get(connection, user_id=origin.user_id)
            if saved is not None:
                preset = await presets.get(connection, user_id=origin.user_id, name=saved)
                if preset is None:
                    raise RefusedError("preset_unknown", name=saved[:50])
            if request.init_picture is not None:
                init_size = await pictures.size_of_file(
                    connection, content_hash=request.init_picture
                )
                upload = await uploads.get(connection, content_hash=request.init_picture)
                if upload is not None:
                    init_size = init_size or (upload.width, upload.height)
                if init_size is None:
                    raise RefusedError("init_picture_gone")
        return _Circumstances(
            ceiling=ceiling.rating,
            ratings=ratings,
            person=person,
            words=words,
            here=here,
            preset=preset,
            init_size=init_size,
            size_multiple=None,
        )

    def _decide(self, request: GenerationRequest, known: _Circumstances, weight: int) -> Decision:
        typed = ", ".join((request.prompt, request.tags, request.character, request.series))
        resolved = self._resolve(request, known)  # first: it refuses what is too long
        read = read_prompt(typed, lambda name: self._rules.category_of(name) is not None)
        tags = [tag for tag in plain_tags(read.text) if self._rules.category_of(tag) is not None]
        role_weight = min(known.here.weight or 1, self._rules.max_weight)
        return Decision(
            request=resolved,
            ceiling=known.ceiling,
            tags=tuple(tags),
            here=known.here,
            weight=max(weight, role_weight),
        )

    def _resolve(self, request: GenerationRequest, known: _Circumstances) -> ResolvedRequest:
        """Resolve `request` and hold it against the hard rules, then against the server's."""
        wish = request
        if known.preset is not None or known.person.negative_prompt:
            wish = folded(request)
        if known.preset is not None:
            wish = with_preset(wish, known.preset.request)
        if not wish.negative_prompt:
            wish = replace(wish, negative_prompt=known.person.negative_prompt)
        width, height = known.init_size or (None, None)
        resolved = resolve(
            wish,
            defaults=_defaults(self._rules.defaults, known),
            ceiling=known.ceiling,
            random_seed=lambda: secrets.randbelow(2**32),
            category_of=self._rules.category_of,
            init_width=width,
            init_height=height,
        )
        refuse_forbidden(resolved, rating_of=self._rules.rating_of)
        for prompt, negative_prompt in prompts_to_check(resolved):
            word = find_blocked(known.words, prompt, negative_prompt)
            if word is not None:
                raise RefusedError("server_rule", word=word)
        _check_size(resolved, known.here.max_pixels)
        return resolved


def _check_size(request: ResolvedRequest, max_pixels: int | None) -> None:
    """InputError above a server's limit. An upscale is limited by number, not by size."""
    if max_pixels is None or request.upscale_factor > 1:
        return
    if request.width * request.height > max_pixels:
        raise InputError(
            "size_above_limit",
            width=request.width,
            height=request.height,
            limit=f"{max_pixels / 1e6:.2f}",
        )


async def _server_limits(
    connection: Connection, own: LimitSet, user_id: int, guild_id: int, now: float
) -> ServerLimits | None:
    """What one server limits, with what is used; None where it limits nothing."""
    granted = await quota_grants.left(connection, guild_id=guild_id, user_id=user_id)
    since = now - DAY_S
    uses = await quota.uses_here_since(connection, user_id=user_id, guild_id=guild_id, since=since)
    upscales = await quota.upscales_here_since(
        connection, user_id=user_id, guild_id=guild_id, since=since
    )

    def made(uses: Sequence[Use], limit: int | None, length_s: float) -> Window | None:
        return None if limit is None else window(uses, limit=limit, length_s=length_s, now=now)

    hour = made(uses, own.pictures_per_hour, HOUR_S)
    day = made(uses, own.pictures_per_day, DAY_S)
    grown = made(upscales, own.upscales_per_day, DAY_S)
    if hour is day is grown is own.waiting_jobs is None and not granted:
        return None
    return ServerLimits(
        hour=hour,
        day=day,
        upscales=grown,
        waiting=await jobs.count_open(connection, user_id=user_id, guild_id=guild_id),
        waiting_limit=own.waiting_jobs,
        granted=granted,
    )


def folded(request: GenerationRequest) -> GenerationRequest:
    """`request` with the flags of its prompt (`--ar 3:2`) in its fields: what is typed counts more
    than what is saved. InputError for a flag that can't be used."""
    return fold_flags(
        replace(
            request,
            prompt=clean_prompt(request.prompt),
            negative_prompt=clean_prompt(request.negative_prompt),
        )
    )


def with_preset(request: GenerationRequest, preset: GenerationRequest) -> GenerationRequest:
    """`request` with what `preset` says beside it: its prompt joins as more tags, everything else
    fills what was left open."""
    own = GenerationRequest()
    filled = {
        name: getattr(preset, name)
        for name in GenerationRequest.__dataclass_fields__
        if getattr(request, name) == getattr(own, name)
    }
    if request.prompt:
        tags = (request.tags, preset.prompt, preset.tags)
        filled["tags"] = ", ".join(each for each in tags if each)
        filled.pop("prompt", None)
    elif request.tags:
        filled["tags"] = ", ".join(each for each in (request.tags, preset.tags) if each)
    return replace(request, **filled)


def _defaults(rules: Defaults, known: _Circumstances) -> Defaults:
    """The operator's defaults under the place's and the person's."""
    person, here = known.person, known.here
    max_steps = min(rules.max_steps, here.max_steps or rules.max_steps)
    rating = known.ratings.default if person.rating is None else person.rating
    return replace(
        rules.with_rating(rating),
        preset=person.preset or rules.preset,
        bucket=parse_aspect(person.aspect) if person.aspect else rules.bucket,
        size_multiple=known.size_multiple or rules.size_multiple,
        max_steps=max_steps,
        max_count=min(rules.max_count, here.max_count or rules.max_count),
    )
