"""Every setting an operator may make, in one table: name, meaning, unit, default and range.

`.env.example` is `example()` written to a file; a test compares them. `bot.config.settings` reads
values.
"""

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bot.common.secret import Secret
from data.store.ids import snowflake
from pipeline.aspect import BUCKETS, parse_aspect
from pipeline.card import (
    DEFAULT_GUIDANCE,
    DEFAULT_PRESET,
    DEFAULT_SAMPLER,
    DEFAULT_STEPS,
    MAX_COUNT,
    MAX_GUIDANCE,
    MAX_STEPS,
    MIN_GUIDANCE,
    MIN_STEPS,
    QualityPreset,
    Sampler,
)
from pipeline.errors import InputError

DEFAULT_MODEL: Final = "ecyht2/animagine-xl-3.1-onnx"
SHIPPED_MODEL: Final = "demo"
"""The small model that lies in the package."""
DEFAULT_REVISION: Final = "5c2038d3a17fef59566a33fd022cd77d89fdbf84"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_PORTS: Final = {"http": 80, "https": 443}
_LOOPBACK = re.compile(r"http://(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::(\d{1,5}))?(?:/api)?/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a text becomes a value. `parse` raises ValueError; `allowed` says what it takes."""

    allowed: str
    parse: Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One setting. `default` is written as in a `.env` file; an empty value means the default."""

    name: str
    section: str
    meaning: str
    default: str
    kind: Kind
    unit: str = ""

    @property
    def field(self) -> str:
        """The attribute of `bot.config.settings.Settings`."""
        return self.name.lower()


def text(allowed: str = "any text") -> Kind:
    """Text as it is."""
    return Kind(allowed=allowed, parse=str)


def secret(allowed: str) -> Kind:
    """Text that is never shown."""
    return Kind(allowed=allowed, parse=Secret)


def whole(low: int, high: int, *, zero: str = "") -> Kind:
    """A whole number. `zero` says what 0 means where it is special."""

    def parse(typed: str) -> int:
        value = int(typed) if re.fullmatch(r"[+-]?\d{1,18}", typed, re.ASCII) else None
        if value is None or not low <= value <= high:
            raise ValueError(typed)
        return value

    note = f"; 0 = {zero}" if zero else ""
    return Kind(allowed=f"a whole number, {low} to {high}{note}", parse=parse)


def threads() -> Kind:
    """How many threads; None for 0."""
    count = whole(0, 1024, zero="chosen for this machine")
    return Kind(allowed=count.allowed, parse=lambda typed: count.parse(typed) or None)


def devices() -> Kind:
    """Numbers of cards, each once, in the order in which they are told apart."""

    def parse(typed: str) -> tuple[int, ...]:
        one = whole(0, 63)
        found = [one.parse(part) for part in re.split(r"\s*,\s*", typed)]
        numbers = tuple(part for part in found if isinstance(part, int))
        if len(set(numbers)) != len(numbers):
            raise ValueError(typed)
        return numbers

    return Kind(allowed="whole numbers, 0 to 63, each once, separated by commas", parse=parse)


def number(low: float, high: float) -> Kind:
    """A number, finite, with a decimal point."""

    def parse(typed: str) -> float:
        value = float(typed)
        if not low <= value <= high:  # also False for nan
            raise ValueError(typed)
        return value

    return Kind(allowed=f"a number, {low:g} to {high:g}", parse=parse)


def switch() -> Kind:
    """Yes or no."""
    words = {"yes": True, "true": True, "on": True, "1": True}
    words |= {"no": False, "false": False, "off": False, "0": False}

    def parse(typed: str) -> bool:
        if typed.lower() not in words:
            raise ValueError(typed)
        return words[typed.lower()]

    return Kind(allowed="yes or no", parse=parse)


def one_of(*words: str) -> Kind:
    """One of some words, in any case; gives the word as it is written here."""
    known = {word.lower(): word for word in words}

    def parse(typed: str) -> str:
        if typed.lower() not in known:
            raise ValueError(typed)
        return known[typed.lower()]

    return Kind(allowed="one of: " + ", ".join(words), parse=parse)


def member(names: type[StrEnum]) -> Kind:
    """A member of a closed set, by its visible name in any case."""
    words = one_of(*names)
    return Kind(allowed=words.allowed, parse=lambda typed: names(str(words.parse(typed))))


def folder() -> Kind:
    """A path; `~` is the home folder, relative paths start where the bot is started."""

    def parse(typed: str) -> Path:
        if "\0" in typed:
            raise ValueError(typed)
        return Path(typed).expanduser()

    return Kind(allowed="a folder, relative to where the bot is started", parse=parse)


def model() -> Kind:
    """A folder, a repository of the Hugging Face hub, or the shipped model."""

    def parse(typed: str) -> str:
        if typed == SHIPPED_MODEL:
            return typed
        looks_like_path = typed.startswith((".", "/", "~")) or Path(typed).is_dir()
        if looks_like_path:
            return str(Path(typed).expanduser())
        if _HUB_ID.fullmatch(typed) is None:
            raise ValueError(typed)
        return typed

    allowed = "a folder in diffusers' layout, OWNER/NAME on the Hugging Face hub, or demo"
    return Kind(allowed=allowed, parse=parse)


def tagger() -> Kind:
    """`auto`, `off` or a folder."""

    def parse(typed: str) -> str:
        if typed.lower() in {"auto", "off"}:
            return typed.lower()
        if not typed.startswith((".", "/", "~")) and not Path(typed).is_dir():
            raise ValueError(typed)
        return str(Path(typed).expanduser())

    allowed = "auto, off, or a folder with model.onnx and selected_tags.csv"
    return Kind(allowed=allowed, parse=parse)


def aspect() -> Kind:
    """An aspect ratio as users type it."""

    def parse(typed: str) -> str:
        try:
            parse_aspect(typed)
        except InputError as error:
            raise ValueError(typed) from error
        return typed

    return Kind(allowed="one of: " + ", ".join(bucket.ratio for bucket in BUCKETS), parse=parse)


def ids() -> Kind:
    """Discord ids, separated by commas or spaces."""

    def parse(typed: str) -> frozenset[int]:
        found = [snowflake(part) for part in re.split(r"[,\s]+", typed) if part]
        known = frozenset(part for part in found if part)
        if not all(found):
            raise ValueError(typed)
        return known

    return Kind(allowed="Discord user ids, separated by commas", parse=parse)


def loopback_url() -> Kind:
    """An http address of this machine and no other: the token goes there."""

    def parse(typed: str) -> str:
        match = _LOOPBACK.fullmatch(typed)
        if match is None or int(match[2] or 80) > 65535:
            raise ValueError(typed)
        if match[1].startswith("127."):
            ipaddress.IPv4Address(match[1])
        return typed.rstrip("/").removesuffix("/api")

    allowed = "an http address of this machine, as http://127.0.0.1:8080"
    return Kind(allowed=allowed, parse=parse)


def web_address() -> Kind:
    """A public link shown to people."""

    def parse(typed: str) -> str:
        if re.fullmatch(r"https?://[^\s<>]+", typed) is None:
            raise ValueError(typed)
        return typed

    return Kind(allowed="a link, as https://example.org/ekaki", parse=parse)


def origin() -> Kind:
    """A public address without a path, as browsers write it: they send it, and it is compared."""

    def parse(typed: str) -> str:
        if re.fullmatch(r"https?://[\w.\[\]:-]+/?", typed, re.IGNORECASE) is None:
            raise ValueError(typed)
        parts = urlsplit(typed)  # ValueError, as the port's and the host's
        host = (parts.hostname or "").encode("idna").decode()
        if not host:
            raise ValueError(typed)
        port = f":{parts.port}" if parts.port not in {None, _PORTS[parts.scheme]} else ""
        return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"

    return Kind(allowed="an address without a path, as https://gallery.example.org", parse=parse)


def listening() -> Kind:
    """Where to listen: `HOST:PORT`; of IPv6 `[::1]:PORT`."""

    def parse(typed: str) -> str:
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+):(\d{1,5})", typed)
        if match is None or int(match[2]) > 65535:
            raise ValueError(typed)
        return typed

    return Kind(allowed="an address and a port, as 127.0.0.1:8090", parse=parse)


VARIABLES: Final = (
    Variable(
        name="DISCORD_TOKEN",
        section="Discord",
        meaning="The bot's token (secret), from https://discord.com/developers/applications, Bot.",
        default="",
        kind=secret("the token that Discord shows once"),
    ),
    Variable(
        name="OWNER_IDS",
        section="Discord",
        meaning="Who runs this bot, beside the application's owner.",
        default="",
        kind=ids(),
    ),
    Variable(
        name="SYNC_COMMANDS",
        section="Discord",
        meaning="Send the slash commands to Discord at start when they changed, or never "
        "(then: python -m bot sync).",
        default="auto",
        kind=one_of("auto", "never"),
    ),
    Variable(
        name="DISCORD_API_URL",
        section="Discord",
        meaning="A Discord of your own on this machine, to try things out. Empty: the real one.",
        default="",
        kind=loopback_url(),
    ),
    Variable(
        name="DATA_DIR",
        section="Files",
        meaning="Where jobs, pictures and limits are kept. Back this up.",
        default="./state",
        kind=folder(),
    ),
    Variable(
        name="MODELS_DIR",
        section="Files",
        meaning="Where models are downloaded to (13.9 GB for the default one).",
        default="./models",
        kind=folder(),
    ),
    Variable(
        name="MODEL",
        section="Model",
        meaning="What draws. demo: the small model that comes with Ekaki, for trying things out.",
        default=DEFAULT_MODEL,
        kind=model(),
    ),
    Variable(
        name="MODEL_REVISION",
        section="Model",
        meaning="The exact version of a model from the hub; without meaning for a folder.",
        default=DEFAULT_REVISION,
        kind=text("a commit, branch or tag of the repository"),
    ),
    Variable(
        name="MODEL_VARIANT",
        section="Model",
        meaning="Which form of the model the engine `own` draws with. auto: what `model prepare` "
        "made last, or the source where nothing was prepared.",
        default="auto",
        kind=one_of("auto", "source", "fp32", "fp16", "int8", "bf16"),
    ),
    Variable(
        name="TAGGER",
        section="Model",
        meaning="What checks finished pictures before anybody sees them. auto: the model's own "
        "tagger, else the one of `python -m bot model fetch --tagger`. Without one `nsfw` and "
        "`explicit` stay off everywhere.",
        default="auto",
        kind=tagger(),
    ),
    Variable(
        name="ENGINE",
        section="Model",
        meaning="own: our loop over the ONNX sessions, small and quick to start. "
        "stock: optimum's pipeline as it is, needs torch.",
        default="own",
        kind=one_of("own", "stock"),
    ),
    Variable(
        name="PROVIDER",
        section="Model",
        meaning="What computes. auto: an NVIDIA card if it can really be used, else the processor.",
        default="auto",
        kind=one_of("auto", "cpu", "cuda"),
    ),
    Variable(
        name="DEVICE_ID",
        section="Model",
        meaning="Which NVIDIA card, counted from 0. Several draw at the same time: 0,1. With "
        "PROVIDER=cpu each number stands for an engine of its own, with its own memory and its "
        "share of THREADS.",
        default="0",
        kind=devices(),
    ),
    Variable(
        name="THREADS",
        section="Model",
        meaning="Processor threads that draw. More than there are cores makes it slower.",
        default="0",
        kind=threads(),
        unit="threads",
    ),
    Variable(
        name="DEFAULT_STEPS",
        section="Pictures",
        meaning="Steps of a picture when nothing is said. The model's makers advise fewer than 30.",
        default=str(DEFAULT_STEPS),
        kind=whole(MIN_STEPS, MAX_STEPS),
        unit="steps",
    ),
    Variable(
        name="MAX_STEPS",
        section="Pictures",
        meaning="The most steps anybody may ask for.",
        default=str(MAX_STEPS),
        kind=whole(MIN_STEPS, MAX_STEPS),
        unit="steps",
    ),
    Variable(
        name="DEFAULT_GUIDANCE_SCALE",
        section="Pictures",
        meaning="CFG scale when nothing is said. The model's makers advise 5 to 7.",
        default=f"{DEFAULT_GUIDANCE:g}",
        kind=number(MIN_GUIDANCE, MAX_GUIDANCE),
    ),
    Variable(
        name="DEFAULT_ASPECT",
        section="Pictures",
        meaning="Shape of a picture, width:height, when nothing is said.",
        default="13:19",
        kind=aspect(),
    ),
    Variable(
        name="DEFAULT_PRESET",
        section="Pictures",
        meaning="Quality tags and negative prompt that are added when nothing is said.",
        default=DEFAULT_PRESET.value,
        kind=member(QualityPreset),
    ),
    Variable(
        name="DEFAULT_SAMPLER",
        section="Pictures",
        meaning="Sampler when nothing is said.",
        default=DEFAULT_SAMPLER.value,
        kind=member(Sampler),
    ),
    Variable(
        name="QUALITY_FIRST",
        section="Pictures",
        meaning="Quality tags before the prompt instead of after it.",
        default="no",
        kind=switch(),
    ),
    Variable(
        name="MAX_COUNT",
        section="Pictures",
        meaning="The most pictures of one command.",
        default=str(MAX_COUNT),
        kind=whole(1, MAX_COUNT),
        unit="pictures",
    ),
    Variable(
        name="PREVIEWS",
        section="Pictures",
        meaning="Show the picture while it is being made.",
        default="yes",
        kind=switch(),
    ),
    Variable(
        name="PROGRESS_INTERVAL_S",
        section="Pictures",
        meaning="How often the progress of a job is shown. Discord slows down what is quicker.",
        default="2.5",
        kind=number(1, 60),
        unit="seconds",
    ),
    Variable(
        name="MENTION_AFTER_MINUTES",
        section="Pictures",
        meaning="Mention the person when their pictures took longer than this.",
        default="2",
        kind=whole(0, 10_000, zero="never"),
        unit="minutes",
    ),
    Variable(
        name="PICTURES_PER_HOUR",
        section="Limits",
        meaning="Pictures one person may make in any hour.",
        default="20",
        kind=whole(0, 1_000_000, zero="no limit"),
        unit="pictures",
    ),
    Variable(
        name="PICTURES_PER_DAY",
        section="Limits",
        meaning="Pictures one person may make in any 24 hours.",
        default="100",
        kind=whole(0, 1_000_000, zero="no limit"),
        unit="pictures",
    ),
    Variable(
        name="WAITING_JOBS_PER_USER",
        section="Limits",
        meaning="Commands one person may have waiting or running at once.",
        default="3",
        kind=whole(0, 1000, zero="no limit"),
        unit="jobs",
    ),
    Variable(
        name="WAITING_JOBS_TOTAL",
        section="Limits",
        meaning="Commands of all people that may wait at once.",
        default="50",
        kind=whole(0, 100_000, zero="no limit"),
        unit="jobs",
    ),
    Variable(
        name="BOOSTER_WEIGHT",
        section="Limits",
        meaning="Turns in the queue of somebody who boosts the server, for one of everybody else.",
        default="2",
        kind=whole(1, 10),
        unit="turns",
    ),
    Variable(
        name="MODERATOR_WEIGHT",
        section="Limits",
        meaning="Turns in the queue of somebody who may manage messages in the channel.",
        default="2",
        kind=whole(1, 10),
        unit="turns",
    ),
    Variable(
        name="MAX_ROLE_WEIGHT",
        section="Limits",
        meaning="The most turns in the queue that a server's moderators may give to a role.",
        default="3",
        kind=whole(1, 10),
        unit="turns",
    ),
    Variable(
        name="JOB_MAX_AGE_MINUTES",
        section="Limits",
        meaning="After a restart, older jobs that were not drawn are closed and given back.",
        default="360",
        kind=whole(1, 100_000),
        unit="minutes",
    ),
    Variable(
        name="PICTURES_KEPT_DAYS",
        section="Limits",
        meaning="How long pictures are kept that are in no gallery, favourites or collection.",
        default="0",
        kind=whole(0, 36_500, zero="for ever"),
        unit="days",
    ),
    Variable(
        name="WEB_ADDRESS",
        section="Web",
        meaning="Where the gallery's web page is served (docs/web.md). Empty: nowhere. Shown are "
        "only servers and makers who chose it.",
        default="",
        kind=listening(),
    ),
    Variable(
        name="WEB_URL",
        section="Web",
        meaning="How people reach the page, through a reverse proxy with https. Empty: as served.",
        default="",
        kind=origin(),
    ),
    Variable(
        name="WEB_PROXIES",
        section="Web",
        meaning="How many reverse proxies of yours stand before the page and add to "
        "X-Forwarded-For.",
        default="0",
        kind=whole(0, 10, zero="none, the header is not believed"),
        unit="proxies",
    ),
    Variable(
        name="WEB_REQUESTS_PER_MINUTE",
        section="Web",
        meaning="Requests of one address; pages count as five, pictures as one.",
        default="900",
        kind=whole(10, 1_000_000),
        unit="requests",
    ),
    Variable(
        name="DISCORD_CLIENT_SECRET",
        section="Web",
        meaning="The application's client secret (secret), so that members sign in on the page and "
        "see what their server keeps age-restricted. Empty: nobody signs in.",
        default="",
        kind=secret("the client secret, from the portal's OAuth2 page"),
    ),
    Variable(
        name="OPERATOR_CONTACT",
        section="Operator",
        meaning="Whom people reach about this bot; shown in /about. The model's licence and "
        "Discord's rules ask for it.",
        default="",
        kind=text("any text, as a mail address or an invite"),
    ),
    Variable(
        name="SOURCE_URL",
        section="Operator",
        meaning="Where people get the source of this bot as you run it; shown in /about.",
        default="",
        kind=web_address(),
    ),
    Variable(
        name="LOG_LEVEL",
        section="Operator",
        meaning="How much is logged to standard error.",
        default="INFO",
        kind=one_of("DEBUG", "INFO", "WARNING", "ERROR"),
    ),
)
"""All settings, in the order of `.env.example`."""


def example() -> str:
    """The text of `.env.example`: each variable with meaning, unit, range and default."""
    lines = [
        "# Settings of Ekaki. Copy this file to .env and fill in DISCORD_TOKEN; the rest may stay.",
        "# A line without a value, or with a # before it, means the default.",
        "# The environment counts more than this file. `python -m bot doctor` checks everything.",
    ]
    section = ""
    for variable in VARIABLES:
        if variable.section != section:
            section = variable.section
            lines += ["", f"## {section}"]
        lines += ["", f"# {variable.meaning}"]
        unit = f"Unit: {variable.unit}. " if variable.unit else ""
        lines.append(
            f"# {unit}Default: {variable.default or 'empty'}. Allowed: {variable.kind.allowed}."
        )
        mark = "" if variable.name == "DISCORD_TOKEN" else "# "
        lines.append(f"{mark}{variable.name}={_quoted(variable.default)}")
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
