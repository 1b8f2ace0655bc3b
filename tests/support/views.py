"""What a member sees: messages and interactions, as plain values for tests and transcripts."""

from dataclasses import dataclass, field

from bot.playground.simulator import limits
from bot.playground.simulator.check_components import ENTITY_SELECTS, STRING_SELECT
from bot.playground.simulator.errors import Json
from bot.playground.simulator.forms import walk
from bot.playground.simulator.views import buttons_of, visible_text


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentView:
    """A file of a message. `data`: its bytes."""

    id: int
    filename: str
    content_type: str
    url: str
    description: str | None
    width: int | None
    height: int | None
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageView:
    """One version of a message. `raw`: Discord's JSON."""

    id: int
    channel_id: int
    author_id: int
    content: str
    embeds: list[Json]
    attachments: list[AttachmentView]
    components: list[Json]
    flags: int
    edited: bool
    mention_ids: list[int]
    raw: Json = field(repr=False)

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & limits.EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Shows "... is thinking"."""
        return bool(self.flags & limits.LOADING)

    @property
    def text(self) -> str:
        """All visible text: content, embeds, text displays, labels of buttons are left out."""
        return visible_text(self.raw)

    @property
    def buttons(self) -> list[Json]:
        return buttons_of(self.raw)

    @property
    def selects(self) -> list[Json]:
        """Menus of texts, and of channels, roles and people."""
        kinds = {STRING_SELECT, *ENTITY_SELECTS}
        return [c for c in walk(self.components) if c["type"] in kinds]

    def button(self, name: str) -> Json:
        """By label, custom_id or start of custom_id. LookupError names the buttons there."""
        for button in self.buttons:
            if name in {button.get("label"), button.get("custom_id")}:
                return button
        for button in self.buttons:
            if str(button.get("custom_id", "")).startswith(name):
                return button
        known = [b.get("label") or b.get("custom_id") for b in self.buttons]
        raise LookupError(f"no button {name!r} among {known}")


def message_view(raw: Json, data_of: dict[int, bytes]) -> MessageView:
    """From Discord's JSON; `data_of`: bytes of attachments by id."""
    return MessageView(
        id=int(raw["id"]),
        channel_id=int(raw["channel_id"]),
        author_id=int(raw["author"]["id"]),
        content=raw["content"],
        embeds=raw["embeds"],
        attachments=[
            attachment_view(a, data_of.get(int(a["id"]), b"")) for a in raw["attachments"]
        ],
        components=raw["components"],
        flags=raw["flags"],
        edited=raw["edited_timestamp"] is not None,
        mention_ids=[int(user["id"]) for user in raw["mentions"]],
        raw=raw,
    )


def attachment_view(raw: Json, data: bytes) -> AttachmentView:
    return AttachmentView(
        id=int(raw["id"]),
        filename=raw["filename"],
        content_type=raw["content_type"],
        url=raw["url"],
        description=raw.get("description"),
        width=raw.get("width"),
        height=raw.get("height"),
        data=data,
    )
