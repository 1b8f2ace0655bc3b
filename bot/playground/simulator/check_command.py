"""Refuses registered commands and autocomplete answers that Discord would refuse."""

import unicodedata
from collections import Counter
from typing import Any

from bot.playground.simulator import limits
from bot.playground.simulator.errors import FormErrors, Json, Path, as_list, as_object

CHAT, USER_MENU, MESSAGE_MENU = 1, 2, 3
SUBCOMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, FILE = range(
    1, 12
)
CHOOSABLE = frozenset({STRING, INTEGER, NUMBER})


def _is_name(name: str) -> bool:
    r"""Discord's `^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$`, in lower case."""
    fits = all(c in "-_'" or unicodedata.category(c)[0] in "LNM" for c in name)
    return fits and name == name.lower()


def check_commands(commands: Any) -> None:
    """A bulk overwrite: each command, no name twice, not too many."""
    form = FormErrors()
    listed = form.items((), commands, high=limits.CHAT_COMMANDS + 2 * limits.MENU_COMMANDS)
    names: Counter[tuple[str, int]] = Counter()
    kinds: Counter[int] = Counter()
    for index, command in enumerate(listed):
        check_command(form, (index,), command)
        kind = command.get("type", CHAT)
        names[str(command.get("name")), kind] += 1
        kinds[kind] += 1
        if names[str(command.get("name")), kind] > 1:
            message = "Application command names must be unique"
            form.add((index, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
    for kind, count in kinds.items():
        if count > (limits.CHAT_COMMANDS if kind == CHAT else limits.MENU_COMMANDS):
            message = "Too many application commands of this type"
            form.add((), "APPLICATION_COMMAND_TOO_MANY", message)
    form.finish()


def check_command(form: FormErrors, path: Path, command: Json) -> None:
    kind = command.get("type", CHAT)
    name = command.get("name")
    form.length((*path, "name"), name, low=1, high=limits.COMMAND_NAME)
    _check_languages(form, path, command, "name", high=limits.COMMAND_NAME, typed=kind == CHAT)
    if kind not in {CHAT, USER_MENU, MESSAGE_MENU}:
        form.choice((*path, "type"), kind)
    elif kind == CHAT:
        if isinstance(name, str) and not _is_name(name):
            form.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
        here = (*path, "description")
        form.length(here, command.get("description"), low=1, high=limits.COMMAND_DESCRIPTION)
        _check_languages(form, path, command, "description", high=limits.COMMAND_DESCRIPTION)
        _check_options(form, (*path, "options"), as_list(command.get("options")), depth=0)
        if command_length(command) > limits.COMMAND_TOTAL:
            message = "Command exceeds maximum size (8000)"
            form.add(path, "APPLICATION_COMMAND_TOO_LARGE", message)
    else:
        for forbidden in ("description", "options"):
            if command.get(forbidden):
                message = "Context menu commands cannot have this field"
                code = "APPLICATION_COMMAND_CONTEXT_MENU_FIELD"
                form.add((*path, forbidden), code, message)


def command_length(node: Json) -> int:
    """Characters of names, descriptions and values, all nested ones counted; of a text in several
    languages the longest."""
    total = _longest(node, "name") + _longest(node, "description")
    for choice in as_list(node.get("choices")):
        total += _longest(choice, "name") + len(str(choice.get("value")))
    return total + sum(command_length(option) for option in as_list(node.get("options")))


def _longest(node: Json, field: str) -> int:
    texts = [node.get(field), *as_object(node.get(f"{field}_localizations")).values()]
    return max(len(str(each or "")) for each in texts)


def _check_languages(
    form: FormErrors, path: Path, node: Json, field: str, *, high: int, typed: bool = False
) -> None:
    """The text `field` in other languages. `typed`: it is a name with Discord's rules for names."""
    languages = as_object(node.get(f"{field}_localizations"))
    for locale, words in languages.items():
        here = (*path, f"{field}_localizations", locale)
        if locale not in limits.LOCALES:
            form.choice(here, locale)
        form.length(here, words, low=1, high=high)
        if typed and isinstance(words, str) and not _is_name(words):
            form.add(here, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_options(form: FormErrors, path: Path, options: Any, *, depth: int) -> None:
    names: set[str] = set()
    optional_seen = False
    for index, option in enumerate(form.items(path, options, high=limits.COMMAND_OPTIONS)):
        here = (*path, index)
        kind = option.get("type")
        _check_names(form, here, option, names)
        if kind in {SUBCOMMAND, GROUP}:
            if depth > (0 if kind == GROUP else 1):
                form.choice((*here, "type"), kind)
            _check_options(
                form, (*here, "options"), as_list(option.get("options")), depth=depth + 1
            )
            continue
        if kind not in range(STRING, FILE + 1):
            form.choice((*here, "type"), kind)
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            form.add((*here, "required"), "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen = optional_seen or not option.get("required")
        _check_values(form, here, option)


def _check_names(form: FormErrors, path: Path, option: Json, names: set[str]) -> None:
    name = option.get("name")
    form.length((*path, "name"), name, low=1, high=limits.COMMAND_NAME)
    if isinstance(name, str) and not _is_name(name):
        form.add((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", "Option name is invalid")
    if name in names:
        message = "Option name is not unique"
        form.add((*path, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", message)
    names.add(str(name))
    here = (*path, "description")
    form.length(here, option.get("description"), low=1, high=limits.COMMAND_DESCRIPTION)
    _check_languages(form, path, option, "name", high=limits.COMMAND_NAME, typed=True)
    _check_languages(form, path, option, "description", high=limits.COMMAND_DESCRIPTION)


def _check_values(form: FormErrors, path: Path, option: Json) -> None:
    kind, choices = option.get("type"), option.get("choices")
    if choices:
        if option.get("autocomplete") or kind not in CHOOSABLE:
            message = "Choices can't be combined with autocomplete or this type"
            form.add((*path, "choices"), "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID", message)
        check_choices(form, (*path, "choices"), choices, kind=int(kind or 0))
    if option.get("autocomplete") and kind not in CHOOSABLE:
        message = "This type has no autocomplete"
        form.add((*path, "autocomplete"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
    for name in ("min_length", "max_length"):
        if option.get(name) is not None and (
            kind != STRING or not 0 <= option[name] <= limits.OPTION_TEXT
        ):
            form.add((*path, name), "NUMBER_TYPE_MAX", "Must be between 0 and 6000, for text.")
    for name in ("min_value", "max_value"):
        if option.get(name) is not None and kind not in {INTEGER, NUMBER}:
            form.add((*path, name), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Numbers only.")


def check_choices(form: FormErrors, path: Path, choices: Any, *, kind: int) -> None:
    """Choices of an option, or of an autocomplete answer: at most 25, 1 to 100 characters."""
    seen: set[str] = set()
    for index, choice in enumerate(form.items(path, choices, high=limits.CHOICES)):
        here = (*path, index)
        form.length((*here, "name"), choice.get("name"), low=1, high=limits.CHOICE_LENGTH)
        _check_languages(form, here, choice, "name", high=limits.CHOICE_LENGTH)
        value = choice.get("value")
        if kind == STRING:
            form.length((*here, "value"), value, low=1, high=limits.CHOICE_LENGTH)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            form.add((*here, "value"), "NUMBER_TYPE_COERCE", f"Value {value!r} is not a number.")
        if str(choice.get("name")) in seen:
            message = "Choice names must be unique"
            code = "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS"
            form.add((*here, "name"), code, message)
        seen.add(str(choice.get("name")))
