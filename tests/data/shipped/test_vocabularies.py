import gzip
from itertools import pairwise
from pathlib import Path

import pytest

from data.shipped.text import text
from data.shipped.vocabularies import IMPORTED_NAME, import_vocabulary, load_vocabulary
from pipeline.card import RATING_TAGS, Aesthetic, Quality, Year
from pipeline.errors import InputError, StorageError
from pipeline.tag_category import TagCategory
from pipeline.tags.suitability import rating_of
from tests.support.vocabulary import vocabulary

SHIPPED = vocabulary()
LARGE_LIST = Path(__file__).resolve().parents[3] / ".." / "shared" / "data" / "danbooru.csv"


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


def test_the_series_of_characters_are_tags_and_most_are_known() -> None:
    characters = [tag.name for tag in SHIPPED if tag.category is TagCategory.CHARACTER]
    found = [series for name in characters if (series := SHIPPED.series_of(name)) is not None]
    assert {SHIPPED.category_of(series) for series in found} == {TagCategory.COPYRIGHT}
    assert len(found) > 0.7 * len(characters)
    assert SHIPPED.series_of("アスカ") == "neon genesis evangelion"
    assert SHIPPED.series_of("kaga (kancolle)") == "kantai collection"


def test_no_minor_coded_tag_is_shipped() -> None:
    assert [tag.name for tag in SHIPPED if rating_of(tag.name) is None] == []
    assert SHIPPED.get("loli") is None


def test_every_alias_in_our_table_leads_to_a_tag() -> None:
    table = Path(__file__).resolve().parents[3] / "data" / "vocabulary" / "aliases.csv"
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
    [(b"", "tags_csv_empty"), (b"a,0\n", "tags_csv_bad"), (b"\xff\xfe\x00", "tags_csv_bad"),
     (b"long_hair,0,x,\n", "tags_csv_bad"), (None, "tags_csv_missing"),
     (b"\n,,,\n", "tags_csv_empty"),
     (b"<html>\n<p>Not found</p>\n</html>\n", "tags_csv_bad"),
     (b'{"name": "long_hair"}\n', "tags_csv_bad"),
     (gzip.compress(b"a,0,5,\n" * 9, mtime=0), "tags_csv_bad"),
     (b"a,0,5,\nSome words, and more.\nEven more,\n", "tags_csv_bad")],
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


def test_a_damaged_imported_list_loses_only_what_is_damaged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / IMPORTED_NAME).write_text("long_hair,0,777,\nhalf a li", encoding="utf-8")
    hair = load_vocabulary(tmp_path).get("long hair")
    assert hair is not None
    assert hair.count == 777
    assert "line 2" in caplog.text


def test_a_file_that_is_no_list_any_more_is_loud_at_start(tmp_path: Path) -> None:
    (tmp_path / IMPORTED_NAME).write_bytes(b"\0" * 500)
    with pytest.raises(InputError, match="tags_csv_bad"):
        load_vocabulary(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_odd_lines_are_counted_and_the_first_is_shown(tmp_path: Path, encoding: str) -> None:
    source = tmp_path / "list.csv"
    lines = ["tag,category,count,alias", "long_hair,0,5,lh", "", "paw,7,3,", "smile,0,1,", "tail,0"]
    source.write_bytes("\r\n".join(lines).encode(encoding))
    report = import_vocabulary(source, tmp_path / "state")
    assert (report.tags, report.skipped, report.skipped_line) == (2, 2, 4)
    assert "'7'" in report.skipped_reason


def test_bytes_of_another_encoding_cost_only_their_line(tmp_path: Path) -> None:
    source = tmp_path / "list.csv"
    source.write_bytes(b"long_hair,0,5,\ncaf\xe9,0,5,\nsmile,0,4,\x8f\xce\n")
    report = import_vocabulary(source, tmp_path / "state")
    assert (report.tags, report.skipped, report.skipped_line) == (2, 1, 2)


@pytest.mark.parametrize("odd", ["x,12,5,", "tag,category", "a,0,b,", '"never closed,0,5,'])
def test_one_odd_line_does_not_refuse_a_long_list(tmp_path: Path, odd: str) -> None:
    source = tmp_path / "list.csv"
    rows = [f"tag_{number},0,{number},\n" for number in range(2000)]
    source.write_text("".join([*rows[:1000], odd + "\n", *rows[1000:]]), encoding="utf-8")
    report = import_vocabulary(source, tmp_path / "state")
    assert (report.tags, report.skipped, report.skipped_line) == (2000, 1, 1001)


@pytest.mark.skipif(
    not LARGE_LIST.exists(), reason="the whole tag list is not beside this repository"
)
def test_the_large_list_can_be_imported_and_searched(tmp_path: Path) -> None:
    report = import_vocabulary(LARGE_LIST, tmp_path)
    assert report.tags > 140_000
    index = load_vocabulary(tmp_path)
    assert index.search("long hiar")[0].tag.name == "long hair"
    assert index.search("long ha")[0].tag.name == "long hair"
    assert index.search("hastune miku")[0].tag.name == "hatsune miku"
