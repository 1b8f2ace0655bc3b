"""What is asked, in order: one function for each topic, which asks, checks and stores."""

import socket
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

from bot.common.secret import Secret
from bot.common.wording import words
from bot.config import kinds
from bot.config.engine_options import engine_options
from bot.config.kinds import SHIPPED_MODEL, Kind
from bot.config.settings import Settings
from bot.doctor.online import check_online
from bot.doctor.token import application_id, invite_link
from bot.setup.ask import Ask, Choice, Problem
from bot.setup.outlook import variants
from pipeline.errors import ModelError
from pipeline.model.options import DEFAULT_REPOSITORY
from pipeline.model.source import open_source

Store = Callable[[str, str], None]
"""Stores a variable and its value at once."""

_PORTAL: Final = "https://discord.com/developers/applications"
_OTHER: Final = "other"
_DOWNLOADED: Final = "13.9 GB to download"


@dataclass(frozen=True, slots=True)
class Topic:
    """`variables`: those that it stores. `ask` raises KeyboardInterrupt and EkakiError. `shown`:
    the current answer in a few words."""

    name: str
    variables: tuple[str, ...]
    ask: Callable[[Ask, Settings, Store], None]
    shown: Callable[[Settings], str]

    def is_answered(self, values: Mapping[str, str]) -> bool:
        """Whether `values`, those of `.env`, have all of it."""
        return all(name in values for name in self.variables)


def ask_token(ask: Ask, settings: Settings, store: Store) -> None:
    """The bot's token; then its invite link."""
    ask.say(f"The bot's token: {_PORTAL}, New Application, then Bot, Reset Token.")
    ask.say("Leave the three privileged intents off. The token is not shown while you paste it.")
    kept = "keep the present one" if settings.discord_token else "do this later"
    while True:
        typed = ask.secret(f"Token (Enter: {kept}):", check=_token_problem)
        if not typed:
            store("DISCORD_TOKEN", settings.discord_token.reveal())
            break
        tried = replace(settings, discord_token=Secret(typed))
        refused = _refused(ask, tried)
        if not refused:
            settings = tried
            store("DISCORD_TOKEN", typed)
            break
        ask.say(refused)
    application = application_id(settings.discord_token)
    if application is not None:
        ask.say(f"Open this to add the bot to your server:\n  {invite_link(application)}")


def _token_problem(typed: str) -> Problem:
    if not typed or application_id(Secret(typed)) is not None:
        return ""
    return "A token has two dots and no spaces, and no `Bot` before it."


def _refused(ask: Ask, settings: Settings) -> Problem:
    """Discord's word on the token; "" if it is valid, or if nobody answers."""
    ask.say("Asking Discord ...")
    for check in check_online(settings):
        if check.name == "Discord" and check.result == "fail":
            if "not valid" in check.found:
                return f"Discord says that {check.found}. {check.fix}"
            ask.say(f"Discord {check.found}; the token is stored unchecked.")
            break
        ask.say(f"{check.name}: {check.found}" + (f" -> {check.fix}" if check.fix else ""))
    return ""


def ask_model(ask: Ask, settings: Settings, store: Store) -> None:
    """Which model draws, and in which variant."""
    model = _chosen_model(ask, settings)
    settings = replace(settings, model=model)
    store("MODEL", model)
    if model == SHIPPED_MODEL:
        store("MODEL_VARIANT", "auto")
        return
    choices = variants(settings, progress=ask.say)
    known = {each.value for each in choices}
    default = settings.model_variant if settings.model_variant in known else "auto"
    store("MODEL_VARIANT", ask.choose("Which variant of it?", choices, default=default))


def _chosen_model(ask: Ask, settings: Settings) -> str:
    choices = [
        Choice(DEFAULT_REPOSITORY, f"Animagine XL 3.1 ({_DOWNLOADED})"),
        Choice(_OTHER, "another one: a folder, or OWNER/NAME on the Hugging Face hub"),
        Choice(SHIPPED_MODEL, "demo: the small model included in Ekaki, for trying things out"),
    ]
    default = settings.model if settings.model in {DEFAULT_REPOSITORY, SHIPPED_MODEL} else _OTHER
    chosen = ask.choose("Which model draws?", choices, default=default)
    if chosen != _OTHER:
        return chosen
    known = "" if default != _OTHER else settings.model

    def problem(typed: str) -> Problem:
        return _problem_of(kinds.model, typed) or _unusable(replace(settings, model=typed))

    return ask.text("Folder, or OWNER/NAME:", default=known, check=problem)


def _unusable(settings: Settings) -> Problem:
    """Why a folder is no model. What is not downloaded yet can't be checked."""
    try:
        open_source(engine_options(settings))
    except ModelError as error:
        if error.key not in {"model_not_fetched", "download_incomplete"}:
            return words(error)
    return ""


def ask_tagger(ask: Ask, settings: Settings, store: Store) -> None:
    """Whether finished pictures are checked."""
    ask.say(
        "A tagger looks at every finished picture before anybody sees it (0.38 GB to download)."
    )
    ask.say("Without it `nsfw` and `explicit` stay off everywhere.")
    wanted = ask.yes("Check finished pictures?", default=settings.tagger != "off")
    if not wanted:
        store("TAGGER", "off")
    else:
        store("TAGGER", "auto" if settings.tagger == "off" else settings.tagger)


def ask_page(ask: Ask, settings: Settings, store: Store) -> None:
    """The gallery's web page."""
    ask.say("A web page can show the galleries of servers and makers who opt in (docs/web.md).")
    if not ask.yes("Serve it?", default=bool(settings.web_address)):
        store("WEB_ADDRESS", "")
        store("WEB_URL", "")
        return
    default = settings.web_address or "127.0.0.1:8090"
    address = ask.text("Address and port to listen on:", default=default, check=_no_address)
    url = ask.text(
        "Its public address, if a reverse proxy serves it with https (Enter: none):",
        default=settings.web_url,
        check=lambda typed: _problem_of(kinds.origin, typed) if typed else "",
    )
    store("WEB_ADDRESS", address)
    store("WEB_URL", url)


def _no_address(typed: str) -> Problem:
    problem = _problem_of(kinds.listening, typed)
    if problem:
        return problem
    host, _, port = typed.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with closing(socket.socket(family)) as probe:
            if hasattr(socket, "SO_REUSEPORT"):  # as aiohttp's own, see asyncio
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host.strip("[]"), int(port)))
    except OSError as error:
        return f"Nothing can listen there: {error.strerror or error}. Choose another port."
    return ""


def ask_contact(ask: Ask, settings: Settings, store: Store) -> None:
    """How people reach the operator."""
    ask.say("The model's licence and Discord's rules require a way to reach you; /about shows it.")
    answer = ask.text("Mail address, invite or name (Enter: later):",
                      default=settings.operator_contact, check=_no_contact)  # fmt: skip
    store("OPERATOR_CONTACT", answer)


def _no_contact(typed: str) -> Problem:
    if application_id(Secret(typed)) is not None:
        return "That is a token. Nobody may see it."
    return "" if len(typed) <= 300 else "At most 300 characters, please."


def _problem_of(kind: Kind, typed: str) -> Problem:
    try:
        kind.parse(typed)
    except (ValueError, RuntimeError):
        return f"Please type {kind.allowed}."
    return ""


def _token_shown(settings: Settings) -> str:
    application = application_id(settings.discord_token)
    return "not set" if application is None else f"set, of application {application}"


TOPICS: Final = (
    Topic("Discord token", ("DISCORD_TOKEN",), ask_token, _token_shown),
    Topic(
        "Model",
        ("MODEL", "MODEL_VARIANT"),
        ask_model,
        lambda settings: f"{settings.model}, {settings.model_variant}",
    ),
    Topic(
        "Check of finished pictures",
        ("TAGGER",),
        ask_tagger,
        lambda settings: "off" if settings.tagger == "off" else "on",
    ),
    Topic(
        "Web page",
        ("WEB_ADDRESS", "WEB_URL"),
        ask_page,
        lambda settings: settings.web_address or "none",
    ),
    Topic(
        "Contact",
        ("OPERATOR_CONTACT",),
        ask_contact,
        lambda settings: settings.operator_contact or "none",
    ),
)
