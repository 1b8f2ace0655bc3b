"""`/collection`: named sets of pictures, private or shared by the server, also as ZIP files."""

import re

import discord
from discord import app_commands
from discord.ext import commands

from bot.client.client import Interaction
from bot.gallery.collection_files import Contents
from bot.gallery.collections import MAX_NAME
from bot.gallery.links import Grant
from bot.library.suggestions import MAX_CHOICE, MAX_SUGGESTIONS
from cogs.common.actors import actor_of
from cogs.common.answers import begin, say
from cogs.common.extension import extension
from cogs.common.words import cut, quoted, size
from cogs.personal.collection_page import PageButton, show_page
from cogs.personal.zip_files import ROOM_BYTES, send_zips
from cogs.pictures.own_jobs import own_jobs
from cogs.pictures.showing import ceiling_of, visible
from data.gallery.collections import Collection
from data.shipped.text import languages, text
from data.store.ids import typed_id
from pipeline.errors import RefusedError
from pipeline.rating import Rating

Name = app_commands.Range[str, 1, MAX_NAME]


class CollectionCog(
    commands.GroupCog,
    name="Collections",
    group_name="collection",
    group_description=text("collection.description"),
):
    """Collections of pictures."""

    @app_commands.command(name="create", description=text("collection.create"))
    @app_commands.describe(
        name=text("collection.option_new"), shared=text("collection.option_shared")
    )
    async def create(self, interaction: Interaction, name: Name, shared: bool = False) -> None:
        await begin(interaction)
        collections = interaction.client.services.collections
        made = await collections.create(name, actor=actor_of(interaction), shared=shared)
        key = "collection.created_shared" if made.shared else "collection.created"
        await say(interaction, text(key, name=quoted(made.name, MAX_NAME)))

    @app_commands.command(name="add", description=text("collection.add"))
    @app_commands.describe(name=text("collection.option_name"), id=text("collection.option_id"))
    async def add(self, interaction: Interaction, name: str, id: str) -> None:  # noqa: A002
        await begin(interaction)
        collection, actor = await _find(interaction, name), actor_of(interaction)
        collections = interaction.client.services.collections
        added = 0
        for picture_id in await _pictures_of(interaction, id):
            added += await collections.add(collection.id, picture_id, actor=actor)
        key = "collection.added" if added else "collection.has_it"
        await say(interaction, text(key, name=quoted(collection.name, MAX_NAME), count=added))

    @app_commands.command(name="remove", description=text("collection.remove"))
    @app_commands.describe(name=text("collection.option_name"), id=text("collection.option_id"))
    async def remove(self, interaction: Interaction, name: str, id: str) -> None:  # noqa: A002
        await begin(interaction)
        collection = await _find(interaction, name)
        for picture_id in await _pictures_of(interaction, id):
            await interaction.client.services.collections.remove(
                collection.id, picture_id, actor=actor_of(interaction)
            )
        await say(interaction, text("collection.removed", name=quoted(collection.name, MAX_NAME)))

    @app_commands.command(name="list", description=text("collection.list"))
    async def list(self, interaction: Interaction) -> None:
        seen = await interaction.client.services.collections.seen_by(actor_of(interaction))
        lines = [
            text(
                "collection.line_shared" if each.shared else "collection.line",
                name=quoted(each.name, MAX_NAME),
                count=each.size,
                owner=f"<@{each.owner_id}>",
            )
            for each in seen[:50]
        ]
        embed = discord.Embed(
            title=text("collection.title"),
            description="\n".join(lines) or text("collection.none"),
        )
        await say(interaction, embeds=[embed])

    @app_commands.command(name="show", description=text("collection.show"))
    @app_commands.describe(name=text("collection.option_name"))
    async def show(self, interaction: Interaction, name: str) -> None:
        collection = await _find(interaction, name)
        await interaction.response.defer(ephemeral=True, thinking=True)
        await show_page(interaction, collection.id, 0)

    @app_commands.command(name="download", description=text("collection.download"))
    @app_commands.describe(name=text("collection.option_name"))
    async def download(self, interaction: Interaction, name: str) -> None:
        await begin(interaction)
        collection = await _find(interaction, name)
        if collection.size == 0:
            raise RefusedError("collection_empty")
        ceiling = await ceiling_of(interaction)
        files = interaction.client.services.collection_files
        contents = await files.contents(collection.id, actor=actor_of(interaction), ceiling=ceiling)
        await say(interaction, text("collection.packing"))
        await _send(interaction, contents, ceiling)

    @app_commands.command(name="delete", description=text("collection.delete"))
    @app_commands.describe(name=text("collection.option_name"))
    async def delete(self, interaction: Interaction, name: str) -> None:
        await begin(interaction)
        collection = await _find(interaction, name)
        await interaction.client.services.collections.delete(
            collection.id, actor=actor_of(interaction)
        )
        await say(interaction, text("collection.deleted", name=quoted(collection.name, MAX_NAME)))

    @add.autocomplete("name")
    @remove.autocomplete("name")
    @show.autocomplete("name")
    @download.autocomplete("name")
    @delete.autocomplete("name")
    async def suggest_names(
        self, interaction: Interaction, typed: str
    ) -> "list[app_commands.Choice[str]]":
        seen = await interaction.client.services.collections.seen_by(actor_of(interaction))
        start = _without_size(typed).strip().casefold()
        fitting = [each for each in seen if start in each.name.casefold()]
        return [
            app_commands.Choice(
                name=cut(text("collection.choice", name=each.name, count=each.size), MAX_CHOICE),
                value=each.id,
            )
            for each in fitting[:MAX_SUGGESTIONS]
        ]

    add.autocomplete("id")(own_jobs)


async def _find(interaction: Interaction, typed: str) -> Collection:
    """By id or name, or as suggestions show the name."""
    collections, actor = interaction.client.services.collections, actor_of(interaction)
    try:
        return await collections.find(typed, actor=actor)
    except RefusedError:
        return await collections.find(_without_size(typed), actor=actor)


def _without_size(typed: str) -> str:
    """A name without the number of pictures that suggestions show beside it, in any language."""
    for language in languages():
        shown = text("collection.choice", locale=language, name="\0", count="\1")
        pattern = re.escape(shown).replace("\0", "(.+)").replace("\1", r"\d+")
        found = re.fullmatch(pattern, typed.strip())
        if found is not None:
            return found[1]
    return typed


async def _pictures_of(interaction: Interaction, typed: str) -> "list[str]":
    """The pictures that an id refers to: that of a picture, a job, or an entry of the gallery."""
    entry = await interaction.client.services.gallery.entry(typed_id(typed))
    if entry is not None and entry.guild_id == interaction.guild_id and entry.state == "posted":
        return [entry.picture_id]
    _, pictures = await visible(interaction, typed)
    return [picture.id for picture in pictures]


async def _send(interaction: Interaction, contents: Contents, ceiling: Rating) -> None:
    """As one file if it is small enough for the place; otherwise as a link to the web page, or
    without a page as several separate files."""
    services, actor = interaction.client.services, actor_of(interaction)
    limit = max(1, interaction.filesize_limit - ROOM_BYTES)
    if contents.size_bytes > limit and services.links.possible:
        grant = Grant(
            collection_id=contents.collection.id,
            user_id=actor.user_id,
            guild_id=actor.guild_id,
            ceiling=ceiling,
        )
        await _send_link(interaction, await services.links.make(grant), contents)
    else:
        await _send_parts(interaction, contents, limit)


async def _send_link(interaction: Interaction, url: str, contents: Contents) -> None:
    view = discord.ui.View()
    view.add_item(discord.ui.Button(label=text("collection.fetch"), url=url))
    view.stop()
    words = text("collection.by_link", count=len(contents.files), size=size(contents.size_bytes))
    await interaction.edit_original_response(content=words, view=view)


async def _send_parts(interaction: Interaction, contents: Contents, limit: int) -> None:
    """The ZIPs one by one; then how many there are."""
    parts = interaction.client.services.collection_files.parts(contents, part_bytes=limit)
    sent, left_out = await send_zips(interaction, parts, name=contents.collection.id, limit=limit)
    key = "collection.packed" if sent == 1 else "collection.packed_parts"
    words = text(key, files=sent)
    if left_out:
        words += "\n" + text("collection.left_out", files=len(left_out), limit=size(limit))
    await interaction.edit_original_response(content=words)


setup = extension(lambda _: CollectionCog(), PageButton)
