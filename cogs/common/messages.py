"""A message as a value: files are reopened for each attempt to send it."""

import io
from dataclasses import dataclass

import discord

MAX_ALT_TEXT = 1024  # characters, Discord's limit for an attachment's description


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of a message. `description` is its alt text. `spoiler`: blurred until pressed."""

    name: str
    content: bytes
    description: str
    spoiler: bool = False

    def file(self) -> discord.File:
        """A fresh file object: discord.py reads it to the end when sending."""
        alt_text = self.description[:MAX_ALT_TEXT]
        return discord.File(
            io.BytesIO(self.content),
            filename=self.name,
            description=alt_text,
            spoiler=self.spoiler,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """What a job's message shows. It replaces whatever was there."""

    embeds: tuple[discord.Embed, ...] = ()
    content: str | None = None
    attachments: tuple[Attachment, ...] = ()
    view: discord.ui.View | None = None

    def files(self) -> list[discord.File]:
        return [attachment.file() for attachment in self.attachments]
