"""docs/moderation.md says what the code does; the whole Danbooru list holds no surprise."""

import csv
import re
from functools import cache
from pathlib import Path

import pytest

from bot.safety.report import ceiling_table, refusal_table, refused_tags
from bot.safety.rules import Violation

ROOT = Path(__file__).resolve().parents[2]
TAG_LIST = ROOT.parent / "shared" / "data" / "danbooru.csv"
needs_tag_list = pytest.mark.skipif(
    not TAG_LIST.exists(), reason="shared/data/danbooru.csv is not on this machine"
)

# The words that may get a tag refused, fixed by hand after judging each refusal of the first run:
# a new refusal fails here until somebody has judged it too.
REASONS = re.compile(
    r"""(?:^|[^a-z])(?:
      loli|lolis|lo_lis|lolicon|lolidom|lolibaba|shota|shotadom|toddler|toddlercon|mesugaki|osugaki
    | kodomo|youjo|shougakusei|joshi_?kousei|child|children|kids?|baby|teen|aged_down
    | age_regression|randoseru|rando_seru|preschooler|school_kid|schoolgirls
    | little_(?:boy|girl)|kindergarten|elementary_school(?:mate)?|middle.school|junior_high
    | high_school_girls|youngster|menino|pedophile|pedobear|3yo4yo5yo|age-zero|real_life|celebrity
    )(?:[^a-z]|$)""",
    re.VERBOSE,
)


@cache
def _tags() -> list[str]:
    with TAG_LIST.open(encoding="utf-8", newline="") as file:
        return [row[0] for row in csv.reader(file)]


@cache
def _findings() -> list[tuple[str, Violation, bool]]:
    return list(refused_tags(_tags()))


def _refused() -> dict[str, bool]:
    """The refused tags, and whether `safe` helps."""
    return {tag: safe_helps for tag, _, safe_helps in _findings()}


def _section(name: str) -> str:
    page = (ROOT / "docs" / "moderation.md").read_text(encoding="utf-8")
    return page.split(f"<!-- {name} -->")[1].split(f"<!-- /{name} -->")[0].strip()


def test_the_ceiling_table_in_the_docs_is_the_codes() -> None:
    assert _section("ceiling") == ceiling_table()


@needs_tag_list
def test_the_refusals_in_the_docs_are_the_codes() -> None:
    assert _section("refusals") == refusal_table(_findings(), tags=len(_tags()))


@needs_tag_list
def test_every_refused_tag_says_why_by_itself() -> None:
    assert [tag for tag in _refused() if not REASONS.search(tag)] == []
    assert len(_refused()) < 200


@needs_tag_list
def test_the_tags_of_the_hard_rules_are_refused() -> None:
    always = {tag for tag, safe_helps in _refused().items() if not safe_helps}
    assert always >= {
        "loli", "shota", "toddlercon", "oppai_loli", "onee-shota", "onee-loli", "onii-shota",
        "lolidom", "shotadom", "lolibaba", "kodomo_doushi", "mesugaki",
    }  # fmt: skip
    assert set(_refused()) - always >= {
        "child", "baby", "toddler", "aged_down", "age_regression", "kindergarten",
        "kindergarten_uniform", "tomoeda_elementary_school_uniform", "randoseru",
    }  # fmt: skip


@needs_tag_list
def test_words_inside_other_words_are_not_refused() -> None:
    inside = re.compile(
        r"[a-z](?:loli|shota|kid|child|baby|teen)|(?:loli|shota|kid|child|teen)[a-z]"
    )
    harmless = [tag for tag in _tags() if inside.search(tag) and not REASONS.search(tag)]
    assert len(harmless) > 300
    refused = set(_refused())
    assert refused.isdisjoint(harmless)
    assert refused.isdisjoint({"aizawa_shota", "depth_charge", "lolita_fashion", "hololive"})
