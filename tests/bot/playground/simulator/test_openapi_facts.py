"""The facts extracted from Discord's document match it, and are enough to find a wrong answer."""

from typing import Any

import pytest

from tests.support.openapi import OpenApi
from tests.support.openapi_extract import FACTS, extract, written
from tests.support.requestlog import Entry, RequestLog


def test_they_are_those_of_the_document(discords_document: dict[str, Any]) -> None:
    """Else: `python -m tests.support.openapi_extract ../shared/data/discord-openapi.json`."""
    assert written(extract(discords_document)) == FACTS.read_text(encoding="utf-8")


def test_they_find_what_discord_would_not_take(openapi: OpenApi) -> None:
    def problems(**body: object) -> list[str]:
        return openapi.schema_problems("MessageCreateRequest", body)

    assert problems(content="x" * 4000) == []
    assert problems(content="x" * 4001) != []
    assert problems(content=5) != []
    assert problems(embeds=[{"title": "x"}] * 11) != []


def test_they_find_what_discord_would_not_answer(openapi: OpenApi) -> None:
    log = RequestLog()
    log.entries.append(
        Entry(at=0.0, method="GET", path="/api/v10/users/@me", status=200, response={"id": "5"})
    )
    with pytest.raises(AssertionError, match="username"):
        openapi.check(log)


def test_they_say_no_words() -> None:
    text = FACTS.read_text(encoding="utf-8")
    assert '"description":"' not in text
    assert len(text) < 200_000
