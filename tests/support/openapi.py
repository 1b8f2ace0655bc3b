"""Holds the log of the loopback against Discord's OpenAPI document: what we took out of it, and the
whole where that is present."""

# pyright: basic, reportIndexIssue=false, reportOptionalMemberAccess=false
# (jsonschema and referencing are loosely typed)

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.support.openapi_extract import FACTS
from tests.support.requestlog import RequestLog

DOCUMENT = Path(__file__).resolve().parents[3] / "shared" / "data" / "discord-openapi.json"
URI = "urn:discord"


class OpenApi:
    """Discord's document: finds the schema for a request and validates both directions."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        resource = Resource.from_contents(document, default_specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource(URI, resource)
        self.paths: list[tuple[re.Pattern[str], str]] = []
        # Paths without parameters first: /users/@me before /users/{user_id}.
        for path in sorted(document["paths"], key=lambda p: p.count("{")):
            pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))
            self.paths.append((re.compile(f"/api/v10{pattern}"), path))

    def problems(self, pointer: str, instance: Any) -> list[str]:
        """What is wrong with `instance` by the schema at `pointer` (JSON pointer)."""
        schema = {"$ref": f"{URI}#{pointer}"}
        validator = Draft202012Validator(schema, registry=self.registry)
        errors = validator.iter_errors(instance)
        return [f"{error.json_path}: {_innermost(error)}" for error in errors]

    def schema_problems(self, name: str, instance: Any) -> list[str]:
        return self.problems(f"/components/schemas/{name}", instance)

    def check(self, log: RequestLog) -> int:
        """Assert that every request and answer in the log fits; returns how many were held."""
        checked = 0
        found_wrong: list[tuple[str, str, Any, list[str]]] = []
        for entry in log.entries:
            found = next((p for pattern, p in self.paths if pattern.fullmatch(entry.path)), None)
            if found is None or entry.method.lower() not in self.document["paths"][found]:
                continue
            operation = self.document["paths"][found][entry.method.lower()]
            where = f"/paths/{found.replace('~', '~0').replace('/', '~1')}/{entry.method.lower()}"
            if entry.json is not None and entry.status < 300 and "requestBody" in operation:
                pointer = f"{where}/requestBody/content/application~1json/schema"
                wrong = self.problems(pointer, _text_ids(entry.json))
                found_wrong += [(entry.method, found, entry.json, wrong)] if wrong else []
                checked += 1
            answer = operation["responses"].get(str(entry.status), {})
            if entry.response is not None and answer.get("content"):
                pointer = f"{where}/responses/{entry.status}/content/application~1json/schema"
                wrong = self.problems(pointer, entry.response)
                found_wrong += [(entry.method, found, entry.response, wrong)] if wrong else []
                checked += 1
        assert not found_wrong, found_wrong
        return checked


def _innermost(error: Any) -> str:
    if not error.context:
        return error.message[:300]
    return " | ".join(f"{c.json_path}: {c.message[:160]}" for c in error.context[:8])


def _text_ids(body: Any) -> Any:
    """The one known false alarm: attachment ids come as numbers."""
    body = json.loads(json.dumps(body))
    for holder in (body, body.get("data") if isinstance(body, dict) else None):
        if isinstance(holder, dict):
            for attachment in holder.get("attachments") or []:
                attachment["id"] = str(attachment["id"])
    return body


@pytest.fixture(scope="session")
def discords_document() -> dict[str, Any]:
    if not DOCUMENT.is_file():
        pytest.skip("Discord's OpenAPI document is not beside this repository")
    return json.loads(DOCUMENT.read_text(encoding="utf-8"))


@pytest.fixture(scope="session", params=["facts", "whole"])
def openapi(request: pytest.FixtureRequest) -> OpenApi:
    if request.param == "facts":
        return OpenApi(json.loads(FACTS.read_text(encoding="utf-8")))
    return OpenApi(request.getfixturevalue("discords_document"))
