"""Refuses components that Discord would refuse: of messages and of modals."""

from typing import Any

from bot.playground.simulator import limits
from bot.playground.simulator.errors import FormErrors, Json, Path, as_object

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT = 5, 6, 7, 8
ENTITY_SELECTS = frozenset({USER_SELECT, ROLE_SELECT, MENTIONABLE_SELECT, CHANNEL_SELECT})
TEXT_DISPLAY, LABEL, FILE_UPLOAD = 10, 18, 19
LINK_STYLE, PREMIUM_STYLE = 5, 6


def check_rows(form: FormErrors, components: Any) -> None:
    """Classic components: rows of buttons or of one select."""
    rows = form.items(("components",), components, high=limits.ROWS)
    seen: set[str] = set()
    for index, row in enumerate(rows):
        path: Path = ("components", index)
        if row.get("type") != ROW:
            form.choice((*path, "type"), row.get("type"))
            continue
        _check_row(form, path, row, seen)


def _check_row(form: FormErrors, path: Path, row: Json, seen: set[str]) -> None:
    inside = (*path, "components")
    children = form.items(inside, row.get("components"), low=1, high=limits.BUTTONS_PER_ROW)
    for index, child in enumerate(children):
        kind = child.get("type")
        here = (*inside, index)
        if kind == BUTTON:
            _check_button(form, here, child, seen)
        elif kind == STRING_SELECT or kind in ENTITY_SELECTS:
            if len(children) > 1:
                message = "A select menu takes a whole row."
                form.add(inside, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)
            _check_select(form, here, child, seen)
        else:
            form.choice((*here, "type"), kind)


def _check_custom_id(form: FormErrors, path: Path, child: Json, seen: set[str]) -> None:
    here = (*path, "custom_id")
    if "custom_id" not in child:
        form.required(here)
        return
    form.length(here, child["custom_id"], low=1, high=limits.CUSTOM_ID)
    if child["custom_id"] in seen:
        message = "Component custom id cannot be duplicated"
        form.add(here, "COMPONENT_CUSTOM_ID_DUPLICATED", message)
    seen.add(str(child["custom_id"]))


def _check_button(form: FormErrors, path: Path, button: Json, seen: set[str]) -> None:
    style = button.get("style")
    if style not in range(1, 7):
        form.choice((*path, "style"), style)
    if style == LINK_STYLE:
        if not str(button.get("url", "")).startswith(("http://", "https://", "discord://")):
            form.add((*path, "url"), "URL_TYPE_INVALID_URL", "Not a well formed URL.")
    elif style != PREMIUM_STYLE:
        _check_custom_id(form, path, button, seen)
    if button.get("label") is not None:
        form.length((*path, "label"), button["label"], high=limits.BUTTON_LABEL)
    if not button.get("label") and not button.get("emoji") and style != PREMIUM_STYLE:
        form.required((*path, "label"))


def _check_select(form: FormErrors, path: Path, select: Json, seen: set[str]) -> None:
    _check_custom_id(form, path, select, seen)
    if select.get("placeholder") is not None:
        here = (*path, "placeholder")
        form.length(here, select["placeholder"], high=limits.SELECT_PLACEHOLDER)
    low, high = select.get("min_values", 1), select.get("max_values", 1)
    options = select.get("options", [])
    if select.get("type") == STRING_SELECT:
        options = form.items((*path, "options"), options, low=1, high=limits.SELECT_OPTIONS)
        if options and high is not None and high > len(options):
            message = "May not be more than the number of options."
            form.add((*path, "max_values"), "BASE_TYPE_MAX", message)
        _check_select_options(form, (*path, "options"), options)
    if low is not None and not 0 <= low <= limits.SELECT_OPTIONS:
        form.add((*path, "min_values"), "NUMBER_TYPE_MAX", "Must be between 0 and 25.")
    if high is not None and not 1 <= high <= limits.SELECT_OPTIONS:
        form.add((*path, "max_values"), "NUMBER_TYPE_MAX", "Must be between 1 and 25.")


def _check_select_options(form: FormErrors, path: Path, options: list[Any]) -> None:
    values: set[str] = set()
    for index, option in enumerate(options):
        here = (*path, index)
        for name in ("label", "value"):
            form.length((*here, name), option.get(name), low=1, high=limits.SELECT_TEXT)
        if option.get("description") is not None:
            form.length((*here, "description"), option["description"], high=limits.SELECT_TEXT)
        if option.get("value") in values:
            message = "The specified option value is already used"
            form.add((*here, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)
        values.add(str(option.get("value")))


def check_modal(data: Any) -> None:
    """A modal: title, custom_id, one to five rows or labels with an input each."""
    form = FormErrors()
    modal: Json = data if isinstance(data, dict) else {}  # pyright: ignore[reportUnknownVariableType]
    form.length(("data", "title"), modal.get("title"), low=1, high=limits.MODAL_TITLE)
    form.length(("data", "custom_id"), modal.get("custom_id"), low=1, high=limits.CUSTOM_ID)
    path: Path = ("data", "components")
    rows = form.items(path, modal.get("components"), low=1, high=limits.MODAL_COMPONENTS)
    seen: set[str] = set()
    for index, row in enumerate(rows):
        here: Path = (*path, index)
        if row.get("type") == ROW:
            inside = form.items((*here, "components"), row.get("components"), low=1, high=1)
            for child in inside:
                _check_modal_input(form, (*here, "components", 0), child, seen, labelled=False)
        elif row.get("type") == LABEL:
            form.length((*here, "label"), row.get("label"), low=1, high=limits.TEXT_INPUT_LABEL)
            if row.get("description") is not None:
                form.length((*here, "description"), row["description"], high=100)
            child = as_object(row.get("component"))
            _check_modal_input(form, (*here, "component"), child, seen, labelled=True)
        elif row.get("type") != TEXT_DISPLAY:
            form.choice((*here, "type"), row.get("type"))
    form.finish()


def _check_modal_input(
    form: FormErrors, path: Path, child: Json, seen: set[str], *, labelled: bool
) -> None:
    kind = child.get("type")
    if kind == TEXT_INPUT:
        _check_text_input(form, path, child, seen, labelled=labelled)
    elif labelled and (kind == STRING_SELECT or kind in ENTITY_SELECTS):
        _check_select(form, path, child, seen)
    elif labelled and kind == FILE_UPLOAD:
        _check_custom_id(form, path, child, seen)
    else:
        form.choice((*path, "type"), kind)


def _check_text_input(
    form: FormErrors, path: Path, child: Json, seen: set[str], *, labelled: bool
) -> None:
    _check_custom_id(form, path, child, seen)
    if child.get("style") not in {1, 2}:
        form.choice((*path, "style"), child.get("style"))
    if not labelled:
        form.length((*path, "label"), child.get("label"), low=1, high=limits.TEXT_INPUT_LABEL)
    for name, low in (("min_length", 0), ("max_length", 1)):
        value = child.get(name)
        if value is not None and not low <= value <= limits.TEXT_INPUT:
            message = f"int value should be between {low} and {limits.TEXT_INPUT}."
            form.add((*path, name), "NUMBER_TYPE_MAX", message)
    if child.get("value") is not None:
        high = min(child.get("max_length") or limits.TEXT_INPUT, limits.TEXT_INPUT)
        form.length((*path, "value"), child["value"], high=high)
    if child.get("placeholder") is not None:
        here = (*path, "placeholder")
        form.length(here, child["placeholder"], high=limits.TEXT_INPUT_PLACEHOLDER)
