"""Refuses message bodies that Discord would refuse."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.playground.simulator import errors, limits
from bot.playground.simulator.check_components import check_rows
from bot.playground.simulator.errors import FormErrors, Json, Path, as_list, as_object

SETTABLE_FLAGS = limits.EPHEMERAL | limits.SUPPRESS_EMBEDS | limits.SUPPRESS_NOTIFICATIONS
"""Without Components V2, which are not simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One file part of a request."""

    filename: str
    content_type: str
    data: bytes = field(repr=False)


def check_uploads(uploads: dict[int, Upload]) -> None:
    """At most 10 files of 10 MiB."""
    if len(uploads) > limits.FILES:
        message = f"Must be {limits.FILES} or fewer in length."
        raise errors.invalid(("attachments",), "BASE_TYPE_MAX_LENGTH", message)
    if any(len(upload.data) > limits.FILE_BYTES for upload in uploads.values()):
        raise errors.too_large()


def check_message(
    body: Json, uploads: dict[int, Upload], *, known_attachments: Sequence[int] = ()
) -> None:
    """All that can be refused from the body alone."""
    check_uploads(uploads)
    form = FormErrors()
    _check_text(form, body)
    embeds: list[Any] = []
    if body.get("embeds"):
        embeds = form.items(("embeds",), body["embeds"], high=limits.EMBEDS)
    for index, embed in enumerate(embeds):
        _check_embed(form, ("embeds", index), embed)
    if sum(map(embed_length, embeds)) > limits.EMBED_TOTAL:
        message = "Embed size exceeds maximum size of 6000"
        form.add(("embeds",), "MAX_EMBED_SIZE_EXCEEDED", message)
    _check_attachments(form, body, uploads, known_attachments)
    _check_mentions(form, body.get("allowed_mentions"))
    if int(body.get("flags") or 0) & ~SETTABLE_FLAGS:
        form.add(("flags",), "MESSAGE_FLAGS_INVALID", "These flags can't be set.")
    if body.get("components"):
        check_rows(form, body["components"])
    form.finish()


def _check_text(form: FormErrors, body: Json) -> None:
    if body.get("content") is not None:
        form.length(("content",), body["content"], high=limits.CONTENT_LENGTH)
    nonce = body.get("nonce")
    if isinstance(nonce, str):
        form.length(("nonce",), nonce, high=limits.NONCE_LENGTH)


def embed_length(embed: Json) -> int:
    """Characters that count towards the 6000 of all embeds."""
    parts = [embed.get("title"), embed.get("description")]
    parts += [
        as_object(embed.get("footer")).get("text"),
        as_object(embed.get("author")).get("name"),
    ]
    for entry in as_list(embed.get("fields")):
        parts += [entry.get("name"), entry.get("value")]
    return sum(len(part) for part in parts if part)


def _check_embed(form: FormErrors, path: Path, embed: Json) -> None:
    for name, high in (
        ("title", limits.EMBED_TITLE),
        ("description", limits.EMBED_DESCRIPTION),
    ):
        if embed.get(name) is not None:
            form.length((*path, name), embed[name], high=high)
    if embed.get("footer"):
        here = (*path, "footer", "text")
        form.length(here, embed["footer"].get("text"), low=1, high=limits.EMBED_FOOTER)
    if embed.get("author"):
        here = (*path, "author", "name")
        form.length(here, embed["author"].get("name"), low=1, high=limits.EMBED_AUTHOR)
    fields = form.items((*path, "fields"), as_list(embed.get("fields")), high=limits.EMBED_FIELDS)
    for index, entry in enumerate(fields):
        here = (*path, "fields", index)
        form.length((*here, "name"), entry.get("name"), low=1, high=limits.EMBED_FIELD_NAME)
        form.length((*here, "value"), entry.get("value"), low=1, high=limits.EMBED_FIELD_VALUE)
    for name in ("image", "thumbnail"):
        url = as_object(embed.get(name)).get("url")
        if url is not None and not url.startswith(("http://", "https://", "attachment://")):
            form.add((*path, name, "url"), "URL_TYPE_INVALID_SCHEME", "Not a well formed URL.")
    colour = embed.get("color")
    if colour is not None and not 0 <= colour <= 0xFFFFFF:
        message = "int value should be between 0 and 16777215."
        form.add((*path, "color"), "NUMBER_TYPE_MAX", message)


def _check_attachments(
    form: FormErrors, body: Json, uploads: dict[int, Upload], known: Sequence[int]
) -> None:
    if body.get("attachments") is None:
        return
    entries = form.items(("attachments",), body["attachments"], high=limits.FILES)
    for index, entry in enumerate(entries):
        number = int(entry.get("id", -1))
        if number not in uploads and number not in known:
            message = f"Attachment data of id {number} not found"
            form.add(("attachments", index, "id"), "ATTACHMENT_NOT_FOUND", message)
        if entry.get("description") is not None:
            here = ("attachments", index, "description")
            form.length(here, entry["description"], high=limits.ATTACHMENT_DESCRIPTION)


def _check_mentions(form: FormErrors, mentions: Any) -> None:
    if not mentions:
        return
    parse: list[str] = as_list(mentions.get("parse"))
    for index, kind in enumerate(parse):
        if kind not in {"users", "roles", "everyone"}:
            form.choice(("allowed_mentions", "parse", index), kind)
    for kind in ("users", "roles"):
        listed: list[Any] = mentions.get(kind) or []
        form.items(("allowed_mentions", kind), listed, high=100)
        if listed and kind in parse:
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            code = "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE"
            form.add(("allowed_mentions",), code, message)
