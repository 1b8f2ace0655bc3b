"""The values of settings as text for the panel."""

from typing import Any

from cogs.common.words import cut, listed, quoted
from cogs.settings.facts import Facts
from data.guilds.server_settings import LimitSet, Setting, settings_by
from data.shipped.text import languages, text

_SHOWN_WORDS = 60
_SHOWN_TEXT = 30  # characters of a button's label


def said(facts: Facts, row: Setting) -> str:
    """The value of a setting of a server."""
    value: Any = facts.value(row)
    match row.control:
        case "channel":
            return facts.mention(value)
        case "channels":
            named = listed(facts.mention(each) for each in sorted(value))
            return named or text(f"settings.{row.empty}")
        case "switch" if row.said:
            return text(f"settings.{row.said}_{'on' if value else 'off'}")
        case "switch":
            name = text(f"settings.{row.title}")
            return text("settings.flag", name=name, state=state(facts, row))
        case "number":
            return text(f"settings.{row.key}", value=value)
        case "rating":
            return text("settings.not_set") if value is None else f"`{value.label}`"
        case "speed":
            return text("settings.not_set") if value is None else f"`{value}`"
        case "language":
            return language_name(value)
        case "tags":
            return tags_text(facts)
        case "text":
            return quoted(value, row.high) or text("settings.none")
        case "words":
            shown = ", ".join(f"`{word}`" for word in sorted(value)[:_SHOWN_WORDS])
            return shown or text("settings.no_words")
        case _:
            raise ValueError(f"{row.name} has no value that is the same for everybody")


def state(facts: Facts, row: Setting) -> str:
    """The short value of a setting, as its button shows it."""
    value: Any = facts.value(row)
    match row.control:
        case "switch":
            return text("settings.on" if value else "settings.off")
        case "words":
            return str(len(value))
        case "text":
            return cut(value, _SHOWN_TEXT) or text("settings.none")
        case _:
            return str(value)


def language_name(chosen: str | None) -> str:
    """By its own name, as its readers know it."""
    known = chosen is not None and chosen in languages()
    return text("language.name", locale=chosen) if known else text("settings.language_discord")


def tags_text(facts: Facts) -> str:
    """The tags of the gallery's posts, one line for each forum."""
    lines: list[str] = []
    for forum in facts.forums:
        chosen = [tag.name for tag in facts.tags_of(forum) if tag.id in facts.settings.gallery_tags]
        shown = listed(f"`{name}`" for name in chosen) or text("settings.none")
        if facts.lacks_tags(forum):
            shown = text("settings.tags_required")
        lines.append(f"<#{forum.id}>: {shown}")
    return "\n".join(lines) or text("settings.none")


def limits_line(limits: LimitSet, *, none: str = "no_limits") -> str:
    """The channels in one line. `none`: the key of the text if there are none."""
    made = [
        limit_said(row, value)
        for row in settings_by("limit")
        if (value := getattr(limits, row.name)) is not None
    ]
    return cut(listed(made), 1000) or text(f"settings.{none}")


def limit_said(row: Setting, value: int) -> str:
    """A limit with its unit."""
    return text(f"settings.limit_{row.key}", value=limit_shown(row, value))


def limit_shown(row: Setting, value: int) -> str:
    """A limit as it is read and typed; megapixels are exact, so that sending a form unchanged
    changes nothing (`1.048576`)."""
    if row.name != "max_pixels":
        return str(value)
    return f"{value / 1e6:.6f}".rstrip("0").rstrip(".")
