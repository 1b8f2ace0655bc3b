"""A gallery channel, text or forum: sends an entry, finds it again, edits and deletes it."""

import logging
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

import discord

from bot.client.client import EkakiBot
from cogs.common.known import channel_of
from cogs.common.messages import Attachment, Outgoing
from cogs.common.result_buttons import Action, custom_id
from cogs.common.threads import unarchived
from cogs.gallery.message import file_stem
from data.gallery.posts import Post

_log = logging.getLogger(__name__)

_LOOK_BACK = timedelta(minutes=5)  # before a post was started: clocks differ
_LOOK_AT = 1000  # messages of a channel after that
_ARCHIVED = 50  # threads of a forum
_NEWEST = 20  # threads that are checked however old they seem
_NONCE_LENGTH = 25
_UNKNOWN_CHANNEL = 10003
_GONE = frozenset({_UNKNOWN_CHANNEL, 10008})  # and an unknown message


def nonce_of(post: Post) -> str:
    """The same for each attempt to send this post, but another one if the entry is posted again:
    Discord would return the first message, deleted or not. At most 25 characters, Discord."""
    return sha256(f"{post.entry_id} {post.begun_at!r}".encode()).hexdigest()[:_NONCE_LENGTH]


class Missing(Exception):  # noqa: N818 - what it was about is gone
    """The message or its channel does not exist."""

    def __init__(self, *, channel: bool) -> None:
        super().__init__(channel)
        self.channel = channel


class GalleryPosts:
    """The bot's posts in gallery channels. Raises Discord's exceptions."""

    def __init__(self, bot: EkakiBot) -> None:
        self._bot = bot

    async def send(
        self,
        post: Post,
        *,
        title: str,
        message: Outgoing,
        file: Attachment,
        tag_ids: Collection[int] = (),
    ) -> tuple[int | None, int]:
        """Post an entry; returns (thread, message). `tag_ids`: the tags of a forum's posts.
        Missing: there is no such channel. PlaceUnknownError as `channel_of`."""
        channel = await channel_of(self._bot, post.guild_id, post.channel_id)
        pings = discord.AllowedMentions.none()
        embeds = list(message.embeds)
        assert message.view is not None
        if isinstance(channel, discord.ForumChannel):
            made = await channel.create_thread(
                name=title,
                embeds=embeds,
                files=[file.file()],
                view=message.view,
                allowed_mentions=pings,
                applied_tags=[tag for tag in channel.available_tags if tag.id in tag_ids],
            )
            return made.thread.id, made.message.id
        if not isinstance(channel, discord.TextChannel):
            raise Missing(channel=True)
        sent = await channel.send(
            embeds=embeds,
            files=[file.file()],
            view=message.view,
            allowed_mentions=pings,
            nonce=nonce_of(post),  # discord.py adds enforce_nonce: Discord drops a repeat
        )
        return None, sent.id

    async def find(self, post: Post, *, picture_id: str) -> tuple[int | None, int] | None:
        """A message of this entry that was sent but not recorded. `picture_id`: its picture's; an
        entry that is made again after a restore has another id. Empty: the entry is gone.

        Raises discord.Forbidden if a forum can't be read: its posts have no nonce, so another
        attempt might post twice."""
        channel = await channel_of(self._bot, post.guild_id, post.channel_id)
        since = datetime.fromtimestamp(post.begun_at, UTC) - _LOOK_BACK
        if isinstance(channel, discord.ForumChannel):
            return await self._find_in_forum(channel, post.entry_id, picture_id, since)
        try:
            if isinstance(channel, discord.TextChannel):
                # Also the newest: if this machine's clock is ahead, everything is before `since`.
                for after, oldest_first in ((since, True), (None, False)):
                    async for message in channel.history(
                        limit=_LOOK_AT, after=after, oldest_first=oldest_first
                    ):
                        if self._shows(message, post.entry_id, picture_id):
                            return None, message.id
        except discord.Forbidden:
            _log.info("Channel %d can't be read; the nonce still guards", post.channel_id)
        return None

    async def _find_in_forum(
        self, forum: discord.ForumChannel, entry_id: str, picture_id: str, since: datetime
    ) -> tuple[int | None, int] | None:
        threads = [t for t in await forum.guild.active_threads() if t.parent_id == forum.id]
        threads += [thread async for thread in forum.archived_threads(limit=_ARCHIVED)]
        threads.sort(key=lambda thread: thread.id, reverse=True)
        for number, thread in enumerate(threads):
            # Always the newest: if this machine's clock is ahead, everything is before `since`.
            if number >= _NEWEST and discord.utils.snowflake_time(thread.id) < since:
                break
            try:
                first = await thread.fetch_message(thread.id)
            except discord.NotFound:
                continue
            if self._shows(first, entry_id, picture_id):
                return thread.id, first.id
        return None

    def _shows(self, message: discord.Message, entry_id: str, picture_id: str) -> bool:
        me = self._bot.user
        if me is None or message.author.id != me.id:
            return False
        names = [file.filename for file in message.attachments]
        if any(name.startswith(file_stem(entry_id)) for name in names):
            return True
        is_of_the_gallery = any(name.startswith(file_stem("")) for name in names)
        return is_of_the_gallery and custom_id(Action.VOTE, picture_id) in _ids(message)

    async def file_name(self, post: Post) -> str:
        """The name of the file in the message. Raises Missing if the message was deleted."""
        assert post.message_id is not None
        try:
            message = await self._partial(post).fetch_message(post.message_id)
        except discord.NotFound as error:
            raise Missing(channel=error.code == _UNKNOWN_CHANNEL) from error
        return next((file.filename for file in message.attachments), "")

    async def edit(
        self, post: Post, *, view: discord.ui.View | None, embeds: Sequence[discord.Embed] = ()
    ) -> None:
        """Change the buttons, and the text if given. Raises Missing if the message was deleted."""
        assert post.message_id is not None
        changed: dict[str, Any] = {"view": view} | ({"embeds": list(embeds)} if embeds else {})
        message = self._partial(post).get_partial_message(post.message_id)
        try:
            await unarchived(self._bot, post.place_id, partial(message.edit, **changed))
        except discord.NotFound as error:
            raise Missing(channel=error.code == _UNKNOWN_CHANNEL) from error

    async def take_away(self, post: Post) -> None:
        """Delete the message; in a forum the whole thread, or if that is not allowed its first
        message, and close the thread. Does nothing if it is already deleted."""
        assert post.message_id is not None
        message = self._partial(post).get_partial_message(post.message_id)
        try:
            if post.thread_id is None:
                await message.delete()
            elif not await self._delete_thread(post.thread_id):
                await unarchived(self._bot, post.thread_id, message.delete)
                await self._close(post.thread_id)
        except discord.NotFound as error:
            if error.code not in _GONE:
                raise

    async def _delete_thread(self, thread_id: int) -> bool:
        """Whether that was allowed."""
        thread = await self._bot.fetch_channel(thread_id)
        if not isinstance(thread, discord.Thread):
            return False
        try:
            await thread.delete()
        except discord.Forbidden:
            return False
        return True

    async def _close(self, thread_id: int) -> None:
        thread = await self._bot.fetch_channel(thread_id)
        if isinstance(thread, discord.Thread) and not thread.archived:
            await thread.edit(archived=True)

    def _partial(self, post: Post) -> discord.PartialMessageable:
        return self._bot.get_partial_messageable(post.place_id, guild_id=post.guild_id)


def _ids(message: discord.Message) -> set[str]:
    """The ids of the buttons under a message."""
    rows = (each for each in message.components if isinstance(each, discord.ActionRow))
    return {
        button.custom_id
        for row in rows
        for button in row.children
        if isinstance(button, discord.Button) and button.custom_id
    }
