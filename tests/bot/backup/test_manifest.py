"""What a backup says about itself: whatever is read, nothing but ValueError comes of it."""

import json
import string
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.backup.manifest import (
    FOLDERS,
    KNOWN,
    MAX_SIZE_BYTES,
    NEEDED,
    Listed,
    Manifest,
    Missing,
    Stored,
    list_text,
    missing_text,
    read_list,
    read_loras,
    read_missing,
)

HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)
SIZES = st.integers(0, MAX_SIZE_BYTES)
FILES = st.builds(Stored, sha256=HASHES, size_bytes=SIZES)
MANIFESTS = st.builds(
    Manifest,
    ekaki=st.text(string.ascii_letters + string.digits + ".+- ", min_size=1, max_size=64),
    schema=st.integers(0, 9999),
    number=st.integers(0, 10**9),
    created=st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)).map(  # noqa: DTZ001
        lambda time: float(int(time.replace(tzinfo=UTC).timestamp()))
    ),
    files=st.fixed_dictionaries(
        dict.fromkeys(NEEDED, FILES), optional=dict.fromkeys(KNOWN - NEEDED, FILES)
    ),
)
LISTED = st.lists(st.builds(Listed, st.sampled_from(FOLDERS), HASHES, SIZES))
REASONS = st.sampled_from(["deleted", "lost", "damaged", "unreadable"])
MISSING = st.lists(st.builds(Missing, st.sampled_from(FOLDERS), HASHES, REASONS))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(MANIFESTS)
def test_what_is_written_is_read(manifest: Manifest) -> None:
    assert Manifest.from_json(manifest.to_json()) == manifest


@given(LISTED, MISSING)
def test_lists_are_read_as_they_were_written(listed: list[Listed], missing: list[Missing]) -> None:
    assert read_list(list_text(listed)) == sorted(listed)
    assert read_missing(missing_text(missing)) == sorted(missing)


@given(MANIFESTS, st.data())
def test_a_manifest_with_anything_in_its_place_is_refused_or_read(
    manifest: Manifest, data: st.DataObject
) -> None:
    values: dict[str, Any] = json.loads(manifest.to_json())
    place = data.draw(st.sampled_from([values, values["files"], values["files"]["ekaki.db"]]))
    key = data.draw(st.sampled_from(sorted(place)) | st.text(max_size=8))
    place[key] = data.draw(JSON)
    try:
        read = Manifest.from_json(json.dumps(values))
    except ValueError:
        return
    assert Manifest.from_json(read.to_json()) == read
    assert set(read.files) <= KNOWN


@given(st.text() | LISTED.map(list_text).map(lambda text: text[:-1]) | MISSING.map(missing_text))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (Manifest.from_json, read_list, read_missing):
        with suppress(ValueError):
            read(text)


@pytest.mark.parametrize(
    "name",
    ["../ekaki.db", "/etc/passwd", "pictures/../../x", "ekaki.db/..", "", ".", "a\0b", "EKAKI.DB"],
)
def test_a_manifest_leads_nowhere_else(name: str) -> None:
    file = {"sha256": "0" * 64, "size": 1}
    values = {
        "format": 1, "ekaki": "0.3.0", "schema": 17, "number": 1,
        "created": "2026-11-30T11:14:06Z",
        "files": dict.fromkeys(NEEDED, file) | {name: file},
    }  # fmt: skip
    with pytest.raises(ValueError, match="is no file of a backup"):
        Manifest.from_json(json.dumps(values))


@pytest.mark.parametrize(
    "line",
    [
        f"pictures {'0' * 63}/ 5\n", f"../x {'0' * 64} 5\n", f"pictures {'0' * 64} -5\n",
        f"pictures {'0' * 64} {'9' * 5000}\n", f"pictures {'0' * 64} 5", f"pictures {'0' * 64}\n",
        f"pictures {'A' * 64} 5\n", f"pictures {'0' * 64} ٥\n",
    ],
)  # fmt: skip
def test_a_list_leads_nowhere_else(line: str) -> None:
    with pytest.raises(ValueError, match=r"line|size"):
        read_list(line)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", True), ("format", 1.0), ("schema", True), ("schema", 17.5), ("schema", "17"),
        ("schema", -1), ("number", 1.0), ("number", False), ("number", 2**63),
        ("number", float("nan")), ("size", 1.5), ("size", -1), ("size", True), ("size", 2**51),
        ("created", 1764500000), ("created", "2026-13-30T11:14:06Z"), ("ekaki", 3),
    ],
)  # fmt: skip
def test_each_number_of_a_manifest_is_checked(key: str, value: object) -> None:
    file: dict[str, object] = {"sha256": "0" * 64, "size": 1}
    values: dict[str, object] = {
        "format": 1, "ekaki": "0.3.0", "schema": 17, "number": 1,
        "created": "2026-11-30T11:14:06Z", "files": dict.fromkeys(NEEDED, file),
    }  # fmt: skip
    assert Manifest.from_json(json.dumps(values))
    (file if key in file else values)[key] = value
    with pytest.raises(ValueError, match=key):
        Manifest.from_json(json.dumps(values))


def test_a_lora_larger_than_any_file_is_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        read_loras(f"{'0' * 64} {'9' * 16} ink.json\n")


def test_a_newer_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 2 is not 1"):
        Manifest.from_json('{"format": 2}')
