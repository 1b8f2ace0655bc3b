"""Messages as text, for transcripts."""

from collections.abc import Sequence
from typing import Any

from bot.playground.simulator import limits
from bot.playground.simulator.check_components import BUTTON
from bot.playground.simulator.errors import Json, as_list, as_object
from bot.playground.simulator.feed import FeedEvent
from bot.playground.simulator.forms import walk


def visible_text(message: Json) -> str:
    """All that a message shows: content, embeds, text displays; labels of buttons are left out."""
    parts: list[Any] = [message["content"]]
    for embed in message["embeds"]:
        parts += [as_object(embed.get("author")).get("name"), embed.get("title")]
        parts.append(embed.get("description"))
        for entry in as_list(embed.get("fields")):
            parts += [entry["name"], entry["value"]]
        parts.append(as_object(embed.get("footer")).get("text"))
    parts += [c.get("content") for c in walk(message["components"])]
    return "\n".join(part for part in parts if part)


def buttons_of(message: Json) -> list[Json]:
    return [c for c in walk(message["components"]) if c["type"] == BUTTON]


def transcript(events: Sequence[FeedEvent]) -> str:
    """What a person saw, one line per event, with seconds since the first."""
    return "\n".join(f"{event.at - events[0].at:8.3f} s  {_line(event)}" for event in events)


def _line(event: FeedEvent) -> str:
    shown: Any = event.data
    if event.kind in {"message_create", "message_update"}:
        message, author = event.data, event.data["author"]
        files = "".join(f" [file {a['filename']}]" for a in message["attachments"])
        buttons = "".join(f" ({b.get('label') or b.get('emoji')})" for b in buttons_of(message))
        only = " (only you see this)" if message["flags"] & limits.EPHEMERAL else ""
        loading = message["flags"] & limits.LOADING
        text = "is thinking..." if loading else visible_text(message)
        who = author["global_name"] or author["username"]
        shown = f"{int(message['id'])} {who}{only}: {text}{files}{buttons}"
    return f"{event.kind}: {shown}"
