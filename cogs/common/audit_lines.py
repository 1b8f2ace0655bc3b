"""Entries of the audit log as lines of a message. Pure."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from bot.outbox.kinds import Kind
from cogs.common.words import cut, listed, moment, quoted
from data.guilds.audit import AuditEntry, AuditKind
from data.guilds.outbox import OutboxItem
from data.guilds.server_settings import SETTINGS
from data.shipped.text import text

_log = logging.getLogger(__name__)

MAX_LINE: Final = 380  # characters: ten fit into an embed
_PROMPT: Final = 120
_LINKS: Final = 5  # of a list of channels: two such lists fit into a line
_LORAS: Final = "loras"  # a setting by role that has no row: see `Servers.set_loras`
_KNOWN: Final = frozenset(AuditKind)


def line(entry: AuditEntry, *, hide_private: bool = False) -> str:
    """One entry. `hide_private`: others can read it, so private requests hide their text.

    A damaged entry, or one of another version, also gets a line, so that the log continues.
    """
    try:
        return _line(entry, hide_private=hide_private)
    except Exception:  # noqa: BLE001 - JSON of any kind
        _log.exception("Entry %d of the audit log can't be put into words", entry.id)
        return cut(f"`#{entry.id}` {quoted(entry.kind, 50)}", MAX_LINE)


def _line(entry: AuditEntry, *, hide_private: bool) -> str:
    key = entry.kind if entry.kind in _KNOWN else "other"
    hide = hide_private and bool(entry.details.get("private"))
    said = text(f"audit.{key}", **_data(entry, hide=hide))
    return cut(text("audit.line", id=entry.id, when=f"<t:{int(entry.at)}:f>", said=said), MAX_LINE)


def refusal_line(item: OutboxItem) -> str:
    """An item of the outbox that Discord rejects."""
    what = _what({"what": item.kind}, item.key)
    error = quoted(item.last_error or "-", 150)
    return cut(text("audit.refused_line", what=what, error=error), 330)


def kind_name(kind: str) -> str:
    """A kind as shown in a menu."""
    return text(f"audit.kind_{kind}")


def _data(entry: AuditEntry, *, hide: bool) -> dict[str, str]:
    """All placeholders that a line may use."""
    details = entry.details
    prompt = "…" if hide else quoted(str(details.get("prompt") or "-"), _PROMPT)
    picture = entry.picture_id or entry.job_id or "-"
    return {
        "kind": entry.kind,
        "what": _what(details, picture),
        "error": quoted(str(details.get("error") or "-"), 150),
        "actor": _person(entry.actor_id),
        "user": _person(entry.user_id),
        "channel": "-" if entry.channel_id is None else f"<#{entry.channel_id}>",
        "job": entry.job_id or "-",
        "picture": picture,
        "prompt": prompt,
        "settings": "" if hide else _settings(details),
        "why": _why(details),
        "reason": quoted(str(details.get("reason") or "-"), 120),
        "until": _until(entry),
        "pictures": str(details.get("pictures", "-")),
        "setting": _setting(details),
        "old": _value(details, "old"),
        "new": _value(details, "new"),
        "list": _list(details),
        "decision": _decision(details),
        "wildcard": quoted(str(details.get("wildcard") or "-"), 60),
        "added": _words(details.get("added")),
        "removed": _words(details.get("removed")),
        "state": text("words.yes" if details.get("on") else "words.no"),
        "people": str(details.get("people", "-")),
        "text": quoted(str(details.get("text") or "-"), 150),
        "details": quoted(", ".join(f"{k}: {v}" for k, v in details.items()), 200) or "-",
    }


def _what(details: Mapping[str, Any], picture: str) -> str:
    """What Discord rejects."""
    kind = str(details.get("what"))
    return text(f"audit.what_{kind}", picture=picture) if kind in set(Kind) else quoted(kind, 50)


def _list(details: Mapping[str, Any]) -> str:
    """A list of words by its name on the panel."""
    name = str(details.get("list"))
    return text(f"settings.words_{name}") if name in {"blocked", "allowed"} else "-"


def _decision(details: Mapping[str, Any]) -> str:
    """What was decided about a report."""
    name = str(details.get("decision"))
    return text(f"audit.decision_{name}") if name in {"dismissed", "deleted", "blocked"} else "-"


def _person(user_id: int | None) -> str:
    return text("audit.bot") if user_id is None else f"<@{user_id}>"


def _settings(details: Mapping[str, Any]) -> str:
    names = ("rating", "width", "height", "num_inference_steps", "count", "seed")
    if not all(name in details for name in names):
        return ""
    private = text("audit.private") if details.get("private") else ""
    said = text("audit.settings", private=private, **{name: details[name] for name in names})
    lora = quoted(str(details.get("lora") or ""), 80)
    return text("audit.settings_lora", settings=said, lora=lora) if lora else said


def _why(details: Mapping[str, Any]) -> str:
    why: dict[str, Any] = details.get("why") or {}
    found = why.get("term") or why.get("word")
    key = str(details.get("error", "-"))
    match key:
        case "rating_above_ceiling":
            return text(
                "audit.why_above_ceiling", found=why.get("wish", "-"), most=why.get("ceiling", "-")
            )
        case "blocked" | "blocked_until":
            return text("audit.why_blocked")
        case "blocked_everywhere" | "guild_blocked":
            return text(f"audit.why_{key}")
        case "server_rule":
            return text("audit.why_server_rule", found=quoted(str(found), 80))
        case "rating" if "rating" in details:
            return text("audit.why_rating", found=details["rating"], most=details.get("ceiling"))
        case "minor" | "unchecked" if "ceiling" in details:
            return text(f"audit.why_{key}")
        case _ if key.startswith("rule_"):
            return text("audit.why_rule", found=quoted(str(found), 80))
        case _:
            pass
    return quoted(str(found), 80) if found else text("audit.why_other")


def until_text(until: float | None) -> str:
    """How long a block lasts, after a comma or in brackets."""
    if until is None:
        return text("audit.for_good")
    return text("audit.ends", when=moment(float(until)))


def _until(entry: AuditEntry) -> str:
    until = entry.details.get("until")
    if entry.kind == AuditKind.PAUSED and until is None:
        return text("audit.until_resumed")
    return until_text(until)


def _setting(details: Mapping[str, Any]) -> str:
    stored = str(details.get("setting", "-"))
    row = SETTINGS.get(stored)
    title = "page_loras" if stored == _LORAS else "" if row is None else row.title
    name = f"**{text(f'settings.{title}')}**" if title else f"`{stored}`"
    if "of_channel" in details:
        return f"{name} (<#{details['of_channel']}>)"
    return f"{name} (<@&{details['of_role']}>)" if "of_role" in details else name


def _value(details: Mapping[str, Any], which: str) -> str:
    """The value of a setting, channels as links to them."""
    value, row = details.get(which), SETTINGS.get(str(details.get("setting")))
    control = "none" if row is None else row.control
    match value:
        case None:
            return text("audit.not_set")
        case bool():
            return text("words.yes" if value else "words.no")
        case list():
            words: list[object] = value  # pyright: ignore[reportUnknownVariableType] - of JSON
            if control == "channels":
                return listed([f"<#{each}>" for each in words[:_LINKS]]) or text("audit.not_set")
            return quoted(listed(words), 80) or text("audit.not_set")
        case "all" | "none" if details.get("setting") == _LORAS:
            return text(f"settings.loras_{value}")
        case str() if control == "language":
            return text("language.name", locale=value)
        case _ if control == "channel":
            return f"<#{value}>"
        case _:
            return quoted(str(value), 80) or text("audit.not_set")


def _words(words: Any) -> str:
    return quoted(", ".join(map(str, words or ())), 120) or "-"
