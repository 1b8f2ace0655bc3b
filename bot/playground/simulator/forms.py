"""Modals and menus that members fill in, checked as by Discord's clients."""

from typing import Any

from bot.playground.simulator import limits
from bot.playground.simulator.check_components import (
    LABEL,
    ROW,
    STRING_SELECT,
    TEXT_INPUT,
)
from bot.playground.simulator.errors import Json, RefusedByClient, as_list


def walk(components: list[Json]) -> list[Json]:
    """All components, nested ones too."""
    found: list[Json] = []
    for component in components:
        found.append(component)
        found += walk(as_list(component.get("components")))
        for name in ("accessory", "component"):
            if component.get(name):
                found += walk([component[name]])
    return found


def check_selected(menu: Json, values: list[str]) -> None:
    low, high = menu.get("min_values", 1), menu.get("max_values", 1)
    if not low <= len(values) <= high:
        raise RefusedByClient(f"choose {low} to {high}")
    if menu["type"] == STRING_SELECT:
        known = {option["value"] for option in menu["options"]}
        if not set(values) <= known:
            raise RefusedByClient(f"the menu offers {sorted(known)}")


def fill_modal(modal: Json, values: dict[str, Any]) -> list[Json]:
    """The components of a modal submit. Fields that are not given keep their initial value."""
    known = {c["custom_id"] for c in walk(modal["components"]) if "custom_id" in c}
    if not values.keys() <= known:
        raise RefusedByClient(f"the modal has {sorted(known)}")
    result: list[Json] = []
    for row in modal["components"]:
        if row["type"] == ROW:
            inner = [_filled_input(child, values) for child in row["components"]]
            result.append({"type": ROW, "components": inner})
        elif row["type"] == LABEL:
            result.append({"type": LABEL, "component": _filled_input(row["component"], values)})
        else:
            result.append({"type": row["type"], "id": row.get("id", 0)})
    for number, component in enumerate(walk(result), 1):
        component.setdefault("id", number)
    return result


def _filled_input(child: Json, values: dict[str, Any]) -> Json:
    custom_id = child["custom_id"]
    sent: Json = {"type": child["type"], "custom_id": custom_id}
    if child["type"] != TEXT_INPUT:
        chosen: list[str] = values.get(custom_id) or [
            option["value"] for option in child.get("options", []) if option.get("default")
        ]
        if chosen or child.get("required", True):
            check_selected(child, chosen)
        return sent | {"values": chosen}
    typed = values.get(custom_id, child.get("value") or "")
    low = child.get("min_length") or 0
    high = child.get("max_length") or limits.TEXT_INPUT
    if child.get("required", True):
        low = max(low, 1)
    if (typed or low) and not low <= len(typed) <= high:
        raise RefusedByClient(f"{custom_id!r} takes {low} to {high} characters")
    return sent | {"value": typed}
