"""Strangers' files, posted in a channel."""

import io
from typing import Any

from PIL import Image, PngImagePlugin

from bot.playground.simulator.check_message import Upload
from bot.playground.simulator.default_world import IDS
from tests.cogs.running import Discord
from tests.cogs.visitors import Visitor
from tests.support.member import InteractionView
from tests.support.views import MessageView

A1111 = (
    "1girl, sea\nNegative prompt: hat\n"
    "Steps: 150, Sampler: DPM++ 2M Karras, CFG scale: 6, Seed: 77, Size: 1216x832, Model: <@1>"
)


def png(width: int = 8, /, **texts: str) -> bytes:
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    out = io.BytesIO()
    Image.new("RGB", (width, 8)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def post(place: Discord, visitor: Visitor, data: bytes, name: str = "mine.png") -> MessageView:
    """A person's message with a file, which may be larger than a real upload."""
    upload = Upload(filename=name, content_type="image/png", data=b"")
    message = place.loopback.actions.say(visitor.member.user_id, IDS.general, "look", [upload])
    message.attachments[0].data = data
    return visitor.member.view(message)


def filled(sent: InteractionView) -> dict[str, str]:
    """The contents of the fields of the form that was opened."""
    assert sent.modal is not None
    rows: list[dict[str, Any]] = sent.modal["components"]
    fields: list[dict[str, Any]] = [row["component"] for row in rows if row["type"] == 18]
    return {field["custom_id"]: field.get("value") or "" for field in fields}


def noted(sent: InteractionView) -> str:
    """The note above the fields."""
    assert sent.modal is not None
    return "\n".join(row["content"] for row in sent.modal["components"] if row["type"] == 10)


def files(place: Discord, visitor: Visitor, *data: bytes) -> MessageView:
    """A person's message with several files."""
    uploads = [
        Upload(filename=f"{n}.png", content_type="image/png", data=b"") for n in range(len(data))
    ]
    message = place.loopback.actions.say(visitor.member.user_id, IDS.general, "look", uploads)
    for attachment, content in zip(message.attachments, data, strict=True):
        attachment.data = content
    return visitor.member.view(message)
