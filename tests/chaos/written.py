"""Whether the text in posted pictures is that of their requests."""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from PIL import Image

from bot.playground.simulator.world import Interaction, Message
from pipeline.rating import Rating
from tests.chaos.activity import CHOICES, RED, Activity
from tests.chaos.comparing import sheets
from tests.chaos.sight import files
from tests.chaos.stored import resolved
from tests.support.parameters import read_parameters


@dataclass(frozen=True)
class Seen:
    """By job: its row, the interaction that asked for it, the messages with its pictures; and the
    pictures (job, position) that a moderator released."""

    rows: Mapping[str, Any]
    accepted: Mapping[str, Interaction]
    posted: Mapping[str, Sequence[Message]]
    let_out: set[tuple[str, int]]


def request_complaints(activity: Activity, seen: Seen) -> Iterator[str]:
    """The text in every posted picture is that of its request."""
    by_interaction = {request.interaction.id: request for request in activity.requests}
    for job_id, interaction in seen.accepted.items():
        request = by_interaction.get(interaction.id)
        row = seen.rows.get(job_id)
        if request is None or row is None:
            continue
        said = (request.user_id, request.channel_id, request.private, request.count)
        stored = (row["user_id"], row["channel_id"], bool(row["private"]), row["pictures"])
        if said != stored:
            yield f"{job_id}: asked for {said}, stored as {stored}"
        for message in seen.posted.get(job_id, []):
            for data, match in files(message):
                number, text = int(match["number"]), _text_of(data)
                if request.mark not in text:
                    yield f"{job_id}: a picture of another request was posted"
                if request.says and request.says[number - 1] not in text:
                    yield f"{job_id}: picture {number} has another value: {text}"
                if request.choices:
                    yield from _choice_complaints(seen, row, number, text)


def _choice_complaints(seen: Seen, row: Any, number: int, text: str) -> Iterator[str]:
    """A picture was drawn with the one choice that was stored for it, and what must be looked
    at first was."""
    said = resolved(row["request"]).of(number - 1).prompt
    wanted = [each for each in CHOICES if each in said]
    prompt = text.partition("\n")[0]  # what was typed comes later
    drawn = [each for each in CHOICES if each in prompt]
    if len(drawn) != 1 or drawn != wanted:
        yield f"{row['id']}: picture {number} shows {drawn}, chosen was {wanted}"
    withheld = row["ceiling"] is not None and row["ceiling"] < Rating.EXPLICIT
    if RED in drawn and withheld and (row["id"], number - 1) not in seen.let_out:
        yield f"{row['id']}: picture {number} should have been withheld"


def sheet_complaints(row: Any, message: Message, *, shown: int) -> Iterator[str]:
    """A comparison has one sheet where it shows `shown` > 1 pictures, and nothing else has one."""
    found = sheets(row["id"], message)
    compared = '"compared":' in row["request"]
    if len(message.attachments) != shown + len(found):
        yield f"{row['id']}: something else is attached to its message"
    if len(found) != int(compared and shown > 1):
        yield f"{row['id']}: {len(found)} sheets with {shown} pictures, compared: {compared}"
    for sheet in found:
        if "Script: X/Y/Z plot" not in _text_of(sheet.data):
            yield f"{row['id']}: its sheet does not say what was compared"


@cache
def _text_of(png: bytes) -> str:
    """The text in a picture, which must be whole."""
    with Image.open(io.BytesIO(png)) as image:
        image.load()
    return read_parameters(png) or ""
