"""Entries of the audit log as lines of a message. Pure."""

from typing import Any, Final

from cogs.words import cut, listed, moment, quoted
from data.audit import AuditEntry, AuditKind
from data.text import text

MAX_LINE: Final = 380  # characters: ten fit into an embed
_PROMPT: Final = 120
_KNOWN: Final = frozenset(AuditKind)


def line(entry: AuditEntry, *, hide_private: bool = False) -> str:
    """One entry. `hide_private`: others can read it, so private requests keep their words."""
    key = entry.kind if entry.kind in _KNOWN else "other"
    hide = hide_private and bool(entry.details.get("private"))
    said = text(f"audit.{key}", **_data(entry, hide=hide))
    return cut(text("audit.line", id=entry.id, when=f"<t:{int(entry.at)}:f>", said=said), MAX_LINE)


def kind_name(kind: str) -> str:
    """A kind as it stands in a menu."""
    return text(f"audit.kind_{kind}")


def _data(entry: AuditEntry, *, hide: bool) -> dict[str, str]:
    """Everything that a line may ask for."""
    details = entry.details
    prompt = "…" if hide else quoted(str(details.get("prompt") or "-"), _PROMPT)
    return {
        "kind": entry.kind,
        "actor": _person(entry.actor_id),
        "user": _person(entry.user_id),
        "channel": "-" if entry.channel_id is None else f"<#{entry.channel_id}>",
        "job": entry.job_id or "-",
        "picture": entry.picture_id or entry.job_id or "-",
        "prompt": prompt,
        "settings": "" if hide else _settings(details),
        "why": _why(details),
        "reason": quoted(str(details.get("reason") or "-"), 120),
        "until": _until(details.get("until")),
        "pictures": str(details.get("pictures", "-")),
        "setting": _setting(details),
        "old": _value(details.get("old")),
        "new": _value(details.get("new")),
        "list": str(details.get("list", "-")),
        "added": _words(details.get("added")),
        "removed": _words(details.get("removed")),
        "state": text("words.yes" if details.get("on") else "words.no"),
        "people": str(details.get("people", "-")),
        "text": quoted(str(details.get("text") or "-"), 150),
        "details": quoted(", ".join(f"{k}: {v}" for k, v in details.items()), 200) or "-",
    }


def _person(user_id: int | None) -> str:
    return text("audit.bot") if user_id is None else f"<@{user_id}>"


def _settings(details: dict[str, Any]) -> str:
    names = ("rating", "width", "height", "num_inference_steps", "count", "seed")
    if not all(name in details for name in names):
        return ""
    private = text("audit.private") if details.get("private") else ""
    return text("audit.settings", private=private, **{name: details[name] for name in names})


def _why(details: dict[str, Any]) -> str:
    why: dict[str, Any] = details.get("why") or {}
    found = why.get("term") or why.get("word") or why.get("wish")
    key = str(details.get("error", "-"))
    said = cut(f"{key}: {found}" if found else key, 120).replace("`", "'")
    return f"`{said}`"


def _until(until: Any) -> str:
    return text("audit.for_good") if until is None else moment(float(until))


def _setting(details: dict[str, Any]) -> str:
    name = f"`{details.get('setting', '-')}`"
    if "of_channel" in details:
        return f"{name} (<#{details['of_channel']}>)"
    return f"{name} (<@&{details['of_role']}>)" if "of_role" in details else name


def _value(value: Any) -> str:
    match value:
        case None:
            return text("audit.not_set")
        case bool():
            return text("words.yes" if value else "words.no")
        case list():
            return quoted(listed(value), 80) or text("audit.not_set")  # pyright: ignore[reportUnknownArgumentType] - of JSON
        case _:
            return quoted(str(value), 80)


def _words(words: Any) -> str:
    return quoted(", ".join(map(str, words or ())), 120) or "-"
