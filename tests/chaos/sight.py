"""What the loopback saw: which jobs it acknowledged, which pictures lie in which messages."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final, cast

from bot.playground.simulator.errors import Json
from bot.playground.simulator.forms import walk
from bot.playground.simulator.world import Interaction, Message
from tests.chaos.stage import Stage

JOB_ID: Final = "[a-z0-9]{12}"
CANCEL: Final = re.compile(rf"ekaki:cancel:(?P<job_id>{JOB_ID})")

_FILE = re.compile(rf"ekaki-(?P<job_id>{JOB_ID})-(?P<number>\d+)\.(png|webp)")
_CALLBACK = re.compile(r"/interactions/(?P<id>\d+)/[^/]+/callback$")
_ORIGINAL = re.compile(r"/webhooks/\d+/(?P<token>[^/]+)/messages/@original$")


def accepted_jobs(stage: Stage) -> dict[str, Interaction]:
    """Jobs whose waiting message the loopback took as (or after) a first response."""
    interactions = stage.world.interactions
    by_token = {each.token: each for each in interactions.values()}
    log = stage.loopback.log.entries
    for _ in range(len(log)):
        entry = log.popleft()  # what is read is over: later looks go on from here
        if entry.status == 0:  # under way
            log.append(entry)
            continue
        said = f" {entry.response}" if entry.status >= 400 else ""
        stage.requests.append(f"{entry.at:.1f} {entry.method} {entry.path} {entry.status}{said}")
        callback, original = _CALLBACK.search(entry.path), _ORIGINAL.search(entry.path)
        interaction: Interaction | None = None
        if callback:
            interaction = interactions.get(int(callback["id"]))
        elif original and entry.method == "PATCH":
            interaction = by_token.get(original["token"])
        if interaction is not None and entry.status < 300:
            stage.accepted |= dict.fromkeys(_cancel_buttons(entry.json), interaction)
    return stage.accepted


def _cancel_buttons(body: Any) -> Iterator[str]:
    if isinstance(body, dict):
        sent = cast("Json", body)
        components: list[Json] = (sent.get("data") or sent).get("components") or []
        for custom_id in custom_ids(components):
            match = CANCEL.fullmatch(custom_id)
            if match:
                yield match["job_id"]


def custom_ids(components: list[Json]) -> list[str]:
    """Of all components, nested ones too."""
    return [str(each["custom_id"]) for each in walk(components) if "custom_id" in each]


def job_of(message: Message) -> str | None:
    """The job whose Cancel button is under a message."""
    matches = (CANCEL.fullmatch(each) for each in custom_ids(message.components))
    return next((match["job_id"] for match in matches if match), None)


def posted_pictures(stage: Stage) -> dict[str, list[Message]]:
    """Every message that shows (or showed, where it was deleted) a job's pictures, by job."""
    found: defaultdict[str, list[Message]] = defaultdict(list)
    for message in stage.world.messages.values():
        for job_id in {match["job_id"] for _, match in files(message)}:
            found[job_id].append(message)
    return found


def files(message: Message) -> Iterator[tuple[bytes, re.Match[str]]]:
    """The files of finished pictures in a message, with what their names say."""
    for attachment in message.attachments:
        match = _FILE.fullmatch(attachment.filename)
        if match:
            yield attachment.data, match
