"""Components as Discord returns them: numbered, and ids as text."""

from typing import Any

from bot.playground.simulator.errors import Json


def as_discord_keeps(components: list[Json]) -> list[Json]:
    """Each component that has no `id` gets one, counting from 1; what a menu of channels, roles or
    people shows as chosen comes back with snowflakes as text, though it may be sent as numbers."""
    used = [0]

    def kept(node: Json) -> Json:
        used[0] += 1
        result: dict[str, Any] = {"id": used[0], **node}
        if isinstance(node.get("components"), list):
            result["components"] = [kept(child) for child in node["components"]]
        for name in ("accessory", "component"):
            if isinstance(node.get(name), dict):
                result[name] = kept(node[name])
        if isinstance(node.get("default_values"), list):
            result["default_values"] = [
                each | {"id": str(each["id"])} for each in node["default_values"]
            ]
        return result

    return [kept(component) for component in components]
