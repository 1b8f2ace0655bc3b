import pytest

from pipeline.rating import Rating
from pipeline.tag_category import TagCategory
from pipeline.tags.index import TagIndex
from pipeline.tags.suitability import hidden_above
from pipeline.tags.tag import MAX_LABEL, Tag, TagMatch, short_count
from pipeline.tags.typos import edit_distance

GENERAL, CHARACTER, SERIES = TagCategory.GENERAL, TagCategory.CHARACTER, TagCategory.COPYRIGHT


def _tag(name: str, count: int, category: TagCategory = GENERAL, *aliases: str) -> Tag:
    return Tag(name=name, category=category, count=count, aliases=aliases)


INDEX = TagIndex(
    [
        _tag("long hair", 4_350_743, GENERAL, "lh", "長い髪"),
        _tag("long sleeves", 1_600_000),
        _tag("hair ornament", 1_400_000),
        _tag("very long hair", 950_000),
        _tag("nude", 600_000),
        _tag("hatsune miku", 107_000, CHARACTER, "miku", "初音ミク"),
        _tag("loli", 90_000),
        _tag(">_<", 65_000),
        _tag("long", 500),
        _tag("genshin impact", 219_000, SERIES, "genshin", "原神"),
        _tag("vocaloid", 200_000, SERIES),
        _tag("ganyu (genshin impact)", 18_000, CHARACTER),
        _tag("kaho", 100, TagCategory.ARTIST),
    ],
)


ASUKA = TagIndex(
    [
        _tag("very aesthetic", 0, TagCategory.META),
        _tag("souryuu asuka langley", 13_517, CHARACTER, "アスカ", "asuka langley"),
        _tag("evangelion", 12_000, SERIES),
        _tag("hatsune miku", 9_000, CHARACTER),
        _tag("hatsune miku (append)", 900, CHARACTER),
        _tag("asuka (senran kagura)", 730, CHARACTER),
        _tag("katou asuka", 700, CHARACTER, "asuka san"),
        _tag("senran kagura", 600, SERIES),
        _tag("ganyu (genshin)", 500, CHARACTER, "asuka san"),
        _tag("nobody (of nothing)", 400, CHARACTER),
    ],
    {"souryuu asuka langley": "evangelion", "(genshin)": "evangelion", "hatsune miku": "vocaloid"},
)


def _names(query: str, **options: object) -> list[str]:
    return [match.tag.name for match in INDEX.search(query, **options)]  # type: ignore[arg-type]


def test_exact_comes_before_prefix_before_word_start_by_count() -> None:
    assert _names("long") == ["long", "long hair", "long sleeves", "very long hair"]


def test_the_most_drawn_comes_first_even_if_it_begins_otherwise() -> None:
    found = [match.tag.name for match in ASUKA.search("asuka")]
    assert found[:3] == ["souryuu asuka langley", "asuka (senran kagura)", "katou asuka"]
    assert ASUKA.search("aes")[0].tag.name == "very aesthetic"  # the model's word, never counted


@pytest.mark.parametrize(
    ("character", "series"),
    [
        ("souryuu asuka langley", "evangelion"),
        ("アスカ", "evangelion"),
        ("asuka (senran kagura)", "senran kagura"),
        ("ganyu (genshin)", "evangelion"),
        ("hatsune miku (append)", "vocaloid"),
        ("nobody (of nothing)", None),
        ("evangelion", None),
        ("unknown", None),
    ],
)
def test_the_series_of_a_character(character: str, series: str | None) -> None:
    assert ASUKA.series_of(character) == series


def test_an_alias_stands_for_a_tag_if_no_other_has_it() -> None:
    assert ASUKA.alias_of("Asuka_Langley") == "souryuu asuka langley"
    assert ASUKA.alias_of("asuka san") is None  # two have it
    assert ASUKA.alias_of("evangelion") is None  # a name
    assert ASUKA.alias_of("unknown") is None


@pytest.mark.parametrize("query", ["long_hair", "LONG  HAIR", "ｌｏｎｇ hair", " long hair "])
def test_spelling_does_not_matter(query: str) -> None:
    assert _names(query)[0] == "long hair"
    tag = INDEX.get(query)
    assert tag is not None
    assert tag.danbooru_name == "long_hair"


@pytest.mark.parametrize("alias", ["lh", "長い髪"])
def test_an_alias_inserts_the_canonical_tag_and_is_shown(alias: str) -> None:
    match = INDEX.search(alias)[0]
    assert match.tag.name == "long hair"
    assert match.label == f"{alias} → long hair (4.4M)"


def test_a_beginning_of_an_alias_is_enough() -> None:
    assert INDEX.search("初音")[0].matched_alias == "初音ミク"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("hastune miku", "hatsune miku"), ("long hiar", "long hair"), ("genshn", "genshin impact"),
     ("ornamnet", "hair ornament"), ("hatsnue mkiu", "hatsune miku")],
)  # fmt: skip
def test_typing_errors_are_forgiven(typed: str, meant: str) -> None:
    assert meant in _names(typed)


def test_typing_errors_are_looked_for_only_when_nothing_fits() -> None:
    assert _names("long sl") == ["long sleeves"]


def test_nothing_is_found_for_what_nobody_meant() -> None:
    assert INDEX.search("qxzzkwv") == []


def test_what_was_used_before_is_lifted() -> None:
    assert _names("long", used={"very long hair": 3})[:2] == ["long", "very long hair"]
    assert _names("", used={"long sleeves": 2})[0] == "long sleeves"


def test_categories_are_kept_apart() -> None:
    assert _names("", categories=frozenset({CHARACTER})) == [
        "hatsune miku",
        "ganyu (genshin impact)",
    ]


def test_hidden_tags_stay_hidden_even_when_exact() -> None:
    assert _names("nude", hide=hidden_above(Rating.SAFE)) == []
    assert _names("nude", hide=hidden_above(Rating.NSFW)) == ["nude"]
    assert "long hair" not in _names("long", hide=frozenset({"long_hair"}))


@pytest.mark.parametrize("query", ["loli", "lol", ""])
def test_a_search_without_a_place_still_never_suggests_minor_coded_tags(query: str) -> None:
    assert "loli" not in _names(query)


def test_the_limit_holds_and_no_tag_comes_twice() -> None:
    found = _names("l", limit=3)
    assert len(found) == len(set(found)) == 3


@pytest.mark.parametrize("query", ["\0", "(" * 500, "💥", "\u202elong", "🧑‍🧑‍🧒", "%_'; drop"])
def test_strange_queries_raise_nothing(query: str) -> None:
    assert isinstance(INDEX.search(query), list)


def test_categories_answer_by_any_name() -> None:
    assert INDEX.category_of("Miku") is CHARACTER
    assert INDEX.category_of("no such tag") is None
    for name in ("ganyu_(genshin_impact)", r"ganyu \(genshin impact\)"):
        assert INDEX.category_of(name) is CHARACTER


def test_faces_keep_their_underscores() -> None:
    assert _names(">_<") == [">_<"]


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (12_345, "12k"), (999_499, "999k"),
     (999_500, "1.0M"), (4_350_743, "4.4M"), (12_000_000, "12M")],
)  # fmt: skip
def test_counts_are_shortened(count: int, shown: str) -> None:
    assert short_count(count) == shown


def test_labels_fit_into_a_choice() -> None:
    match = TagMatch(tag=_tag("x" * 150, 12_345), matched_alias="y" * 90)
    assert len(match.label) == MAX_LABEL
    assert match.label.endswith("… (12k)")
    assert TagMatch(tag=_tag("masterpiece", 0)).label == "masterpiece"


@pytest.mark.parametrize(
    ("one", "other", "edits"),
    [("hair", "hair", 0), ("hiar", "hair", 1), ("hai", "hair", 1), ("haiir", "hair", 1),
     ("hxir", "hair", 1), ("hxix", "hair", 2), ("cat", "hair", 3)],
)  # fmt: skip
def test_edit_distance_counts_swaps_as_one(one: str, other: str, edits: int) -> None:
    assert edit_distance(one, other, 2) == edits
