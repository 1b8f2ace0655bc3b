"""Entries of the log in words: no key, no dictionary, whatever was recorded."""

import re
from typing import Any, get_args

import pytest

from bot.jobs.accept.audit_events import is_noted
from cogs.common.audit_lines import line
from data.guilds.audit import AuditEntry, AuditKind
from data.guilds.reports import Decision
from data.shipped.text import keys, languages, speaking, text
from pipeline.rating import Rating

RAW = re.compile(r"[a-z]+_[a-z_]+|`\w+: |\b\w+: \w+, \w+: ", re.ASCII)


def said(kind: str, **details: Any) -> str:
    return line(
        AuditEntry(
            id=1, at=0.0, guild_id=1, channel_id=2, actor_id=3, user_id=4, job_id="jjj",
            picture_id="ppp", kind=kind, details=details,
        )
    )  # fmt: skip


NOTED = sorted(key.removeprefix("errors.") for key in keys() if is_noted(key[7:]))


def test_there_are_refusals_for_moderators() -> None:
    assert {"rating_above_ceiling", "rule_minor_coded", "blocked_until", "server_rule"} <= {*NOTED}


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("key", [*NOTED, "rating", "minor", "unchecked", "from_another_version"])
@pytest.mark.parametrize("data", [{}, {"wish": "explicit", "ceiling": "safe", "term": "a word"}])
def test_a_refusal_says_why(key: str, data: dict[str, str], language: str) -> None:
    with speaking(language):
        for kind in (AuditKind.REFUSED, AuditKind.WITHHELD):
            assert not RAW.search(said(kind, error=key, why=data, prompt="1girl")), key


def test_a_rating_is_told_with_its_bound() -> None:
    why = {"wish": Rating.EXPLICIT.label, "ceiling": Rating.SENSITIVE.label}
    found = said(AuditKind.REFUSED, error="rating_above_ceiling", why=why, prompt="1girl")
    assert "asked for explicit, sensitive at most there" in found


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("decision", get_args(Decision))
def test_a_decision_is_told_in_words(decision: str, language: str) -> None:
    with speaking(language):
        found = said(AuditKind.REPORT_DECIDED, report="abcdefghjkmn", decision=decision)
        assert text(f"audit.decision_{decision}") in found
    assert not RAW.search(found)
    assert "abcdefghjkmn" not in found


@pytest.mark.parametrize("language", sorted(languages()))
@pytest.mark.parametrize("name", ["blocked", "allowed"])
def test_a_list_of_words_is_called_as_in_the_panel(name: str, language: str) -> None:
    with speaking(language):
        found = said(AuditKind.WORDS_CHANGED, list=name, added=["umbrella"], removed=[])
        assert text(f"settings.words_{name}") in found


def test_a_language_is_told_by_its_name() -> None:
    found = said(AuditKind.SETTING_CHANGED, setting="language", old=None, new="ja")
    assert "日本語" in found


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 step, 1 picture,"), (2, "2 steps, 2 pictures,")]
)
def test_numbers_have_their_words(count: int, words: str) -> None:
    settings = {"rating": "safe", "width": 8, "height": 8, "seed": 5}
    found = said(AuditKind.ACCEPTED, **settings, num_inference_steps=count, count=count)
    assert words in found
    assert f"granted <@4> {words.split(', ')[1].strip(',')}" in said(
        AuditKind.GRANTED, pictures=count
    )
