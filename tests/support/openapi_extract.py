"""Takes out of Discord's OpenAPI document what the loopback answers: names, types and bounds of
fields, no words.

`python -m tests.support.openapi_extract DOCUMENT` writes `discord_facts.json` beside this file. The
document is that of github.com/discord/discord-api-spec; its licence is next to the facts.
"""

# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
# (a JSON document: everything in it may be anything)

import json
import re
import sys
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.simulator import Loopback

FACTS = Path(__file__).with_name("discord_facts.json")

# What a JSON Schema says without checking anything.
_WORDS = {"description", "title", "example", "examples", "deprecated", "summary", "externalDocs"}
_JSON = "application/json"
_NAMED = re.compile(r'"\$ref": "#/components/(\w+)/(\w+)"')


def extract(document: dict[str, Any]) -> dict[str, Any]:
    """The operations of `document` that the loopback has, and the schemas that these name."""
    paths: dict[str, Any] = {}
    for path, method in _routes(document):
        operation = document["paths"][path][method]
        kept = {name: operation[name] for name in ("requestBody", "responses") if name in operation}
        paths.setdefault(path, {})[method] = _json_alone(_facts(kept))
    components: dict[str, dict[str, Any]] = {}
    _add_named(paths, document, components)
    return {
        "source": f"{document['info']['title']}, OpenAPI {document['openapi']}",
        "paths": paths,
        "components": components,
    }


def _routes(document: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, method) of the document that the loopback has, whatever parameters are called."""
    known = {_nameless(path): path for path in document["paths"]}
    found: set[tuple[str, str]] = set()
    for route in Loopback().application().router.routes():
        if isinstance(route.resource, web.Resource):
            path = known.get(_nameless(route.resource.canonical.removeprefix("/api/v10")))
            if path is not None and route.method.lower() in document["paths"][path]:
                found.add((path, route.method.lower()))
    return sorted(found)


def _nameless(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


def _facts(node: Any, *, names: bool = False) -> Any:
    """`node` without words. `names`: its keys are names of fields, not of JSON Schema."""
    if isinstance(node, list):
        return [_facts(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _facts(value, names=key in {"properties", "schemas", "responses"} and not names)
        for key, value in node.items()
        if names or (key not in _WORDS and not key.startswith("x-"))
    }


def _json_alone(operation: dict[str, Any]) -> dict[str, Any]:
    """Bodies are described once for each way in which they can be sent, always alike."""
    for holder in (operation.get("requestBody", {}), *operation.get("responses", {}).values()):
        if "content" in holder:
            kinds = holder["content"]
            holder["content"] = {name: kinds[name] for name in kinds if name == _JSON}
    return operation


def _add_named(node: Any, document: dict[str, Any], components: dict[str, dict[str, Any]]) -> None:
    for kind, name in _NAMED.findall(json.dumps(node)):
        kept = components.setdefault(kind, {})
        if name not in kept:
            kept[name] = _facts(document["components"][kind][name])
            _add_named(kept[name], document, components)


def written(facts: dict[str, Any]) -> str:
    """As a file: an operation or a schema a line, sorted, so that changes can be read."""
    lines = ["{", f' "source": {json.dumps(facts["source"])},', ' "paths": {']
    lines += _lines(facts["paths"])
    lines += [" },", ' "components": {']
    kinds = sorted(facts["components"].items())
    for index, (kind, schemas) in enumerate(kinds):
        lines += [
            f'  "{kind}": {{',
            *_lines(schemas),
            "  }" + ("," if index + 1 < len(kinds) else ""),
        ]
    return "\n".join([*lines, " }", "}", ""])


def _lines(entries: dict[str, Any]) -> list[str]:
    last = max(entries, default="")
    return [
        f"   {json.dumps(name)}: {json.dumps(entries[name], sort_keys=True, separators=(',', ':'))}"
        + ("," if name != last else "")
        for name in sorted(entries)
    ]


if __name__ == "__main__":
    FACTS.write_text(written(extract(json.loads(Path(sys.argv[1]).read_text("utf-8")))), "utf-8")
