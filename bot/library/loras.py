"""The LoRAs that a person can choose in a place: suggestions, and what cards show of them."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bot.common.clock import Clock
from bot.jobs.accept.gather import lora_rule
from bot.jobs.accept.loras import checked_default, first_recipe, usable
from bot.jobs.accept.speed import Speeds
from bot.jobs.service import JobService
from bot.library.suggestions import MAX_CHOICE, MAX_SUGGESTIONS, Asker, Suggestion
from bot.loras.library import LoraEntry, LoraLibrary
from bot.loras.names import key_of
from bot.moderation.loras import LoraRule
from data.guilds import guild_loras
from data.guilds.guild_loras import Allowed
from data.jobs import loras
from data.shipped.text import text
from data.store.connection import Connection
from data.store.database import Database
from pipeline.card import Speed
from pipeline.lora.recipe import Recipe
from pipeline.lora.typed import cut_loras, parse_loras, strength_text
from pipeline.lora.use import LoraUse
from pipeline.rating import Rating
from pipeline.request import GenerationRequest
from pipeline.tags.complete import Completion
from pipeline.tags.labels import label, meant

_STRENGTHS: Final = (0.4, 0.6, 0.8, 1.0)
_BEGUN: Final = re.compile(r"[<\uff1c]lora[:\uff1a](?P<name>[^<>:\uff1a,]*)\Z", re.IGNORECASE)
_COUNTED_FOR_S: Final = 60.0
_MAX_COUNTED: Final = 1000  # servers and people whose counts are kept
_MAX_WORDS: Final = 40  # characters of trigger words in a suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraChoice:
    """The LoRAs of a place. `shown`: whose rating it allows; `rule`: which of them this person may
    use. `pictures`: how many were drawn with each here, by key. `allowed`: by role, see
    `data.guilds.guild_loras`; empty in direct messages."""

    shown: Sequence[LoraEntry]
    rule: LoraRule
    ceiling: Rating
    pictures: Mapping[str, int]
    allowed: Mapping[int, Allowed]

    @property
    def usable(self) -> list[LoraEntry]:
        """Those that this person may use."""
        return [entry for entry in self.shown if self.rule.allows(entry.name)]

    def by_key(self) -> dict[str, str]:
        """The names of the usable ones, in the library's spelling."""
        return {key_of(entry.name): entry.name for entry in self.usable}


class Loras:
    """What people see of the library."""

    def __init__(
        self, *, library: LoraLibrary, database: Database, jobs: JobService, clock: Clock
    ) -> None:
        self._library = library
        self._database = database
        self._jobs = jobs
        self._clock = clock
        self._counts: OrderedDict[tuple[int | None, int], tuple[float, Mapping[str, int]]]
        self._counts = OrderedDict()

    async def choice(self, asker: Asker) -> LoraChoice:
        """What `asker` can choose from; nothing if the model can't draw with LoRAs."""
        model = self._jobs.model
        if not self._library.entries() or (model is not None and not model.loras):
            nothing: Sequence[LoraEntry] = ()
            return LoraChoice(
                shown=nothing, rule=LoraRule(), ceiling=min(Rating), pictures={}, allowed={}
            )
        ceiling, _ = await self._jobs.ceiling(
            place=asker.place, guild_id=asker.guild_id, channel_id=asker.channel_id
        )
        async with self._database.reader() as connection:
            allowed: Mapping[int, Allowed] = {}
            if asker.guild_id is not None:
                allowed = await guild_loras.of_guild(connection, guild_id=asker.guild_id)
            return LoraChoice(
                shown=usable(self._library, rule=LoraRule(), ceiling=ceiling.rating),
                rule=await lora_rule(connection, guild_id=asker.guild_id, role_ids=asker.role_ids),
                ceiling=ceiling.rating,
                pictures=await self._pictures(connection, asker),
                allowed=allowed,
            )

    async def speeds(self, asker: Asker) -> Sequence[Speed]:
        """The speeds that `asker` can choose from."""
        ceiling, _ = await self._jobs.ceiling(
            place=asker.place, guild_id=asker.guild_id, channel_id=asker.channel_id
        )
        model = self._jobs.model
        return Speeds(library=self._library, ceiling=ceiling.rating, model=model).available()

    def recipe_of(self, uses: Sequence[LoraUse]) -> Recipe:
        """The recipe of a picture's LoRAs, as far as they are still there."""
        ordered = sorted(uses, key=lambda use: not use.draft)  # as it was when it was accepted
        found = [self._library.get(each.name) for each in ordered]
        return first_recipe(entry for entry in found if entry is not None)

    async def recipe_for(self, request: GenerationRequest, asker: Asker) -> Recipe:
        """The recipe that `request` would be drawn with where it says nothing itself. InputError
        for LoRAs that are written in a wrong way."""
        draft = self._library.draft
        if request.speed is Speed.DRAFT and draft is not None:
            return draft.recipe
        usable = {key_of(entry.name): entry for entry in (await self.choice(asker)).usable}
        in_prompt = cut_loras(request.prompt, lambda name: key_of(name) in usable).loras
        named: dict[str, float | None] = {}
        for each in (*in_prompt, *parse_loras(request.lora or "")):
            named[key_of(each.name)] = each.strength
        return first_recipe(usable[key] for key, s in named.items() if key in usable and s != 0)

    async def checked_default(self, typed: str, asker: Asker, *, now: str) -> str:
        """`typed` as it is kept as the default of `asker`, which is `now` so far. InputError says
        what is wrong with it."""
        ceiling, _ = await self._jobs.ceiling(
            place=asker.place, guild_id=asker.guild_id, channel_id=asker.channel_id
        )
        return checked_default(typed, self._library, ceiling=ceiling.rating, now=now)

    async def _pictures(self, connection: Connection, asker: Asker) -> Mapping[str, int]:
        """The counts of a server or of a person's direct messages. They are read at most once a
        minute, because a suggestion is asked for at each key."""
        place = asker.guild_id, (0 if asker.guild_id is not None else asker.user_id)
        now = self._clock.monotonic()
        read_at, found = self._counts.get(place, (now - _COUNTED_FOR_S, {}))
        if now - read_at >= _COUNTED_FOR_S:
            found = await loras.counts(connection, guild_id=asker.guild_id, user_id=asker.user_id)
            self._counts[place] = now, found
            self._counts.move_to_end(place)
            while len(self._counts) > _MAX_COUNTED:
                self._counts.popitem(last=False)
        return found

    async def suggestions(self, typed: str, asker: Asker) -> list[Suggestion]:
        """For the last name of the option: `ink:0.7 ‹ink wash · 12 pictures ← other:1›`. Behind a
        name and a colon, strengths."""
        head, piece = _last(meant(typed))
        choice = await self.choice(asker)
        name, colon, strength = piece.rpartition(":")
        known = choice.by_key().get(key_of(name)) if colon else None
        found: list[tuple[str, list[str]]]
        if known is not None:
            values = (f"{known}:{each:g}" for each in _STRENGTHS)
            found = [
                (each, []) for each in values if each.startswith(f"{known}:{strength.strip()}")
            ]
        else:
            there = {key_of(part.rpartition(":")[0] or part) for part in head.split(",")}
            found = [
                (f"{entry.name}:{strength_text(entry.strength)}", _remarks(entry, choice))
                for entry in _matching(choice, piece)
                if key_of(entry.name) not in there
            ]
        made = (_suggestion(head, value, remarks) for value, remarks in found)
        return [each for each in made if each is not None][:MAX_SUGGESTIONS]

    async def in_prompt(self, typed: str, asker: Asker) -> list[Suggestion] | None:
        """For a prompt that ends in `<lora:in`; None for any other."""
        typed = meant(typed)
        begun = _BEGUN.search(typed)
        if begun is None:
            return None
        head = typed[: begun.start()]
        choice = await self.choice(asker)
        made = (
            _suggestion(
                head,
                f"<lora:{entry.name}:{strength_text(entry.strength)}>",
                _remarks(entry, choice),
            )
            for entry in _matching(choice, begun["name"])
        )
        return [each for each in made if each is not None][:MAX_SUGGESTIONS]


def _last(typed: str) -> tuple[str, str]:
    """What comes before the last name, ready for it, and that name as far as it is typed."""
    head, comma, piece = typed.replace("\u3001", ",").rpartition(",")
    return (f"{head.strip()}, " if comma and head.strip() else ""), piece.strip()


def _matching(choice: LoraChoice, piece: str) -> list[LoraEntry]:
    """Those whose name or trigger words contain `piece`, the most used first."""
    wanted = key_of(piece)
    found = [
        entry
        for entry in choice.usable
        if wanted in key_of(entry.name) or any(wanted in key_of(each) for each in entry.triggers)
    ]
    return sorted(found, key=lambda entry: -choice.pictures.get(key_of(entry.name), 0))


def _remarks(entry: LoraEntry, choice: LoraChoice) -> list[str]:
    count = choice.pictures.get(key_of(entry.name), 0)
    words = ", ".join(entry.triggers)
    shown = words if len(words) <= _MAX_WORDS else f"{words[: _MAX_WORDS - 1]}…"
    return [shown, text("loras.pictures", count=count) if count else ""]


def _suggestion(head: str, value: str, remarks: Sequence[str]) -> Suggestion | None:
    """A row, without remarks that have no room; None if it has no room at all."""
    whole = Completion(head, value, "")
    if len(head + value) > MAX_CHOICE:
        return None
    labels = (label(whole, said) for said in (remarks, remarks[1:], ()))
    name = next((each for each in labels if len(each) <= MAX_CHOICE), None)
    return None if name is None else Suggestion(name, head + value)
