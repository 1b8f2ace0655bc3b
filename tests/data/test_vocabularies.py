from itertools import pairwise
from pathlib import Path

import pytest

from data.text import text
from data.vocabularies import IMPORTED_NAME, import_vocabulary, load_vocabulary
from pipeline.card import RATING_TAGS, Aesthetic, Quality, Year
from pipeline.errors import InputError, StorageError
from pipeline.tags.category import TagCategory
from pipeline.tags.suitability import rating_of

SHIPPED = load_vocabulary(None)
LARGE_LIST = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "danbooru.csv"


def test_the_models_own_words_are_shipped() -> None:
    ratings = {word for tags in RATING_TAGS.values() for word in tags.split(", ")}
    for word in (*Quality, *Year, *Aesthetic, *ratings):
        assert SHIPPED.category_of(word) is TagCategory.META, word


def test_the_models_own_words_come_early() -> None:
    assert SHIPPED.search("mas")[0].tag.name == "masterpiece"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("長い髪", "long hair"), ("笑顔", "smile"), ("ツインテール", "twintails"),
     ("猫耳", "cat ears"), ("原神", "genshin impact"), ("catgirl", "cat ears"),
     ("初音ミク", "hatsune miku"), ("demon slayer", "kimetsu no yaiba"),
     ("fgo", "fate/grand order"), ("艦これ", "kantai collection"),
     ("eva", "neon genesis evangelion")],
)  # fmt: skip
def test_aliases_that_people_use(typed: str, meant: str) -> None:
    assert SHIPPED.search(typed)[0].tag.name == meant


@pytest.mark.parametrize(
    ("character", "series"),
    [("ganyu (genshin impact)", "genshin impact"), ("hatsune miku", "vocaloid"),
     ("souryuu asuka langley", "neon genesis evangelion"), ("hakurei reimu", "touhou"),
     ("shimakaze (kancolle)", "kantai collection"), ("rem (re:zero)",
      "re:zero kara hajimeru isekai seikatsu")],
)  # fmt: skip
def test_characters_know_their_series(character: str, series: str) -> None:
    found = SHIPPED.series_of(character)
    assert found is not None
    assert found.name == series


def test_no_minor_coded_tag_is_shipped() -> None:
    assert [tag.name for tag in SHIPPED if rating_of(tag.name) is None] == []
    assert SHIPPED.get("loli") is None


def test_every_alias_in_our_table_leads_to_a_tag() -> None:
    table = Path(__file__).resolve().parents[2] / "data" / "vocabulary" / "aliases.csv"
    pairs = [
        line.split(",", 1)
        for line in table.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    missing = [(alias, name) for alias, name in pairs if SHIPPED.get(name) is None]
    assert missing == []
    assert len(pairs) > 400


def test_tags_are_in_order_of_posts_apart_from_special_words() -> None:
    counts = [tag.count for tag in SHIPPED if tag.category is not TagCategory.META]
    assert all(one >= other for one, other in pairwise(counts))


def test_an_imported_list_joins_the_shipped_one(tmp_path: Path) -> None:
    source = tmp_path / "list.csv"
    source.write_text(
        '\ufefflong_hair,0,9999999,"/lh"\nsome_artist,1,77,\nmy_hero,4,5,"mh"\nmy_show,3,6,\nloli,0,9,\n',
        encoding="utf-8",
    )
    report = import_vocabulary(source, tmp_path / "state")
    assert (report.tags, report.aliases, report.characters, report.series) == (4, 2, 1, 1)
    index = load_vocabulary(tmp_path / "state")
    hair = index.get("長い髪")
    assert hair is not None
    assert hair.count == 9999999
    assert index.category_of("some artist") is TagCategory.ARTIST
    assert index.get("masterpiece") is not None
    assert index.get("loli") is None


@pytest.mark.parametrize(
    ("content", "key"),
    [(b"", "tags_csv_empty"), (b"a,0\n", "tags_csv_bad"), (b"\xff\xfe\x00", "tags_csv_encoding"),
     (b"long_hair,0,x,\n", "tags_csv_bad"), (None, "tags_csv_missing")],
)  # fmt: skip
def test_a_bad_list_changes_nothing(tmp_path: Path, content: bytes | None, key: str) -> None:
    state = tmp_path / "state"
    state.mkdir()
    kept = state / IMPORTED_NAME
    kept.write_text("long_hair,0,5,\n", encoding="utf-8")
    source = tmp_path / "list.csv"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(InputError) as caught:
        import_vocabulary(source, state)
    assert caught.value.key == key
    assert text(f"errors.{key}", locale="en", **caught.value.data)
    assert kept.read_text(encoding="utf-8") == "long_hair,0,5,\n"
    assert [path.name for path in state.iterdir()] == [IMPORTED_NAME]


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    source = tmp_path / "list.csv"
    source.write_text("long_hair,0,5,\n", encoding="utf-8")
    with pytest.raises(StorageError) as caught:
        import_vocabulary(source, source / "below a file")
    assert text(f"errors.{caught.value.key}", locale="en", **caught.value.data)


def test_a_damaged_imported_list_is_loud_at_start(tmp_path: Path) -> None:
    (tmp_path / IMPORTED_NAME).write_text("long_hair,0,5,\nhalf a li", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_vocabulary(tmp_path)
    assert caught.value.data["line"] == 2


@pytest.mark.skipif(not LARGE_LIST.exists(), reason="no ../shared/data/danbooru.csv here")
def test_the_large_list_can_be_imported_and_searched(tmp_path: Path) -> None:
    report = import_vocabulary(LARGE_LIST, tmp_path)
    assert report.tags > 140_000
    index = load_vocabulary(tmp_path)
    assert index.search("long hiar")[0].tag.name == "long hair"
    assert index.search("long ha")[0].tag.name == "long hair"
    assert index.search("hastune miku")[0].tag.name == "hatsune miku"
