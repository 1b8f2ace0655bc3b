"""docs/moderation.md says what the code does; the whole Danbooru list holds no surprise."""

from functools import cache
from pathlib import Path

import pytest

from bot.guilds.settings_table import settings_table
from bot.safety.report import ceiling_table, refusal_table, refused_tags
from bot.safety.rules import Violation
from tests.support.tag_facts import FACTS, INSIDE, REASONS, WHOLE, TagList, extract

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=[FACTS, WHOLE], ids=["facts", "whole"])
def path(request: pytest.FixtureRequest) -> Path:
    """Our facts of the list, and the list itself where it is present."""
    if not request.param.exists():
        pytest.skip("the whole tag list is not beside this repository")
    return request.param


@cache
def _read(path: Path) -> TagList:
    return TagList.read(path)


@cache
def _findings(path: Path) -> list[tuple[str, Violation, bool]]:
    return list(refused_tags(_read(path).names))


@pytest.fixture
def refused(path: Path) -> dict[str, bool]:
    """The refused tags, and whether `safe` helps."""
    return {tag: safe_helps for tag, _, safe_helps in _findings(path)}


def _section(name: str) -> str:
    page = (ROOT / "docs" / "moderation.md").read_text(encoding="utf-8")
    return page.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()


def test_the_ceiling_table_in_the_docs_is_the_codes() -> None:
    assert _section("ceiling") == ceiling_table()


def test_the_settings_in_the_docs_are_the_declared_ones() -> None:
    assert _section("settings") == settings_table(), (
        "write it anew: python -m bot.guilds.settings_table docs/moderation.md"
    )


def test_the_refusals_in_the_docs_are_the_codes(path: Path) -> None:
    assert _section("refusals") == refusal_table(_findings(path), tags=_read(path).total)


def test_every_refused_tag_says_why_by_itself(refused: dict[str, bool]) -> None:
    assert [tag for tag in refused if not REASONS.search(tag)] == []
    assert 100 < len(refused) < 200


def test_the_tags_of_the_hard_rules_are_refused(refused: dict[str, bool]) -> None:
    always = {tag for tag, safe_helps in refused.items() if not safe_helps}
    assert always >= {
        "loli", "shota", "toddlercon", "oppai_loli", "onee-shota", "onee-loli", "onii-shota",
        "lolidom", "shotadom", "lolibaba", "kodomo_doushi", "mesugaki",
    }  # fmt: skip
    assert set(refused) - always >= {
        "child", "baby", "toddler", "aged_down", "age_regression", "kindergarten",
        "kindergarten_uniform", "tomoeda_elementary_school_uniform", "randoseru",
    }  # fmt: skip


def test_words_inside_other_words_are_not_refused(path: Path, refused: dict[str, bool]) -> None:
    harmless = [tag for tag in _read(path).names if INSIDE.search(tag) and not REASONS.search(tag)]
    assert len(harmless) > 300
    assert refused.keys().isdisjoint(harmless)
    assert refused.keys().isdisjoint({"aizawa_shota", "depth_charge", "lolita_fashion", "hololive"})


def test_the_facts_are_those_of_the_list() -> None:
    """Else: `python -m tests.support.tag_facts ../shared/data/danbooru.csv`."""
    if not WHOLE.exists():
        pytest.skip("the whole tag list is not beside this repository")
    refused = {tag for tag, _, _ in _findings(WHOLE)}
    assert FACTS.read_text(encoding="utf-8") == extract(_read(WHOLE), refused)
