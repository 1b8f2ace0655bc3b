"""Settings: the table, the example file, wrong values by name, and a token that never shows."""

import copy
import dataclasses
import json
import pickle
import pprint
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.common.secret import Secret
from bot.common.wording import words
from bot.config import reading
from bot.config.reading import SettingsError, read
from bot.config.settings import Settings
from bot.config.variables import VARIABLES, example, meanings
from pipeline.card import QualityPreset, Sampler

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.abcdefghijklmnopqrstuvwxyz0123456789ab"


def load(**env: str) -> Settings:
    return reading.load(env, dotenv=None)


def test_every_variable_says_what_it_means() -> None:
    assert list(meanings()) == [each.field for each in VARIABLES]
    assert all(each.section and each.kind.allowed for each in VARIABLES)


def test_defaults_as_they_are_written_are_read_as_they_are() -> None:
    assert read({each.name: each.default for each in VARIABLES}) == (Settings(), [])


def test_example_file_is_the_table() -> None:
    written = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert written == example(), "write it again: python -m bot.config.variables > .env.example"


def test_example_file_loads_as_defaults_also_with_every_line_on(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text(example(), encoding="utf-8")
    assert reading.load({}, plain) == Settings()
    switched_on = tmp_path / "on"
    lines = example().splitlines()
    names = {each.name for each in VARIABLES}
    on = [
        line[2:] if line.startswith("# ") and line[2:].partition("=")[0] in names else line
        for line in lines
    ]
    assert sum("=" in line and not line.startswith("#") for line in on) == len(VARIABLES)
    switched_on.write_text("\n".join(on), encoding="utf-8")
    assert reading.load({}, switched_on) == Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENGINE", "fast"), ("PROVIDER", "rocm"), ("DEVICE_ID", "-1"), ("THREADS", "two"),
        ("DEVICE_ID", "0,0"), ("DEVICE_ID", "0;1"), ("DEVICE_ID", "0,"),
        ("DEFAULT_STEPS", "0"), ("DEFAULT_STEPS", "10000"), ("DEFAULT_STEPS", "2.5"),
        ("DEFAULT_GUIDANCE_SCALE", "nan"), ("DEFAULT_GUIDANCE_SCALE", "99"),
        ("DEFAULT_ASPECT", "0:0"), ("DEFAULT_ASPECT", "abc"), ("DEFAULT_PRESET", "Best"),
        ("DEFAULT_SAMPLER", "Heun"), ("QUALITY_FIRST", "maybe"), ("MAX_COUNT", "5"),
        ("PICTURES_PER_HOUR", "-1"), ("PICTURES_PER_HOUR", "٣"), ("PICTURES_PER_DAY", "1e3"),
        ("PROGRESS_INTERVAL_S", "0"), ("OWNER_IDS", "me"),
        ("OWNER_IDS", "9223372036854775808"), ("OWNER_IDS", "0"), ("OWNER_IDS", "1, ٣"),
        ("LOG_LEVEL", "LOUD"),
        ("SYNC_COMMANDS", "always"), ("SOURCE_URL", "javascript:alert(1)"), ("MODEL", "a b/c"),
        ("MODEL", "a/-b"), ("MODEL", "a/é"),
    ],
)  # fmt: skip
def test_wrong_value_names_the_variable_and_its_range(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(**{name: value})
    variable = next(each for each in VARIABLES if each.name == name)
    assert name in words(caught.value)
    assert variable.kind.allowed in words(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "https://discord.com/api", "http://example.org", "http://127.0.0.1@example.org",
        "http://127.0.0.1.example.org", "http://localhost.example.org:80", "http://10.0.0.1",
        "http://0.0.0.0:80", "http://[::2]", "http://127.0.0.1:99999", "http://127.0.0.999",
        "http://127.0.0.1/../x", "http://127.0.0.1\\@example.org", "file:///etc/passwd",
        "127.0.0.1",
    ],
)  # fmt: skip
def test_discord_api_url_leaves_this_machine_never(address: str) -> None:
    with pytest.raises(SettingsError, match="DISCORD_API_URL"):
        load(DISCORD_API_URL=address)


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1", "http://127.1.2.3:65535/"],
)
def test_discord_api_url_takes_loopback(address: str) -> None:
    assert load(DISCORD_API_URL=address).discord_api_url == address.rstrip("/")


def test_values_are_read_in_any_case_and_with_spaces_around() -> None:
    settings = load(
        ENGINE=" STOCK ", QUALITY_FIRST="Yes", DEFAULT_SAMPLER="dpm++ 2m karras",
        DEFAULT_PRESET="heavy V3.1", OWNER_IDS="1, 2  9223372036854775807",
        LOG_LEVEL="debug", THREADS="4", DEVICE_ID="1, 0",
    )  # fmt: skip
    assert settings.engine == "stock"
    assert settings.quality_first is True
    assert settings.default_sampler is Sampler.DPM_2M_KARRAS
    assert settings.default_preset is QualityPreset.HEAVY_31
    assert settings.owner_ids == {1, 2, 2**63 - 1}
    assert settings.device_id == (1, 0)
    assert (settings.log_level, settings.threads) == ("DEBUG", 4)


def test_environment_counts_more_than_the_file_and_empty_means_not_set(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text('MAX_COUNT=2\nTHREADS=3\nDATA_DIR="my state"\nMODEL=a/$b\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="MODEL"):  # a dollar is a dollar, not a variable
        reading.load({}, file)
    settings = reading.load({"MAX_COUNT": "1", "THREADS": "", "MODEL": "a/b"}, file)
    assert (settings.max_count, settings.threads) == (1, 3)
    assert settings.data_dir == Path("my state")


def test_missing_file_is_fine_and_an_unreadable_one_is_named(tmp_path: Path) -> None:
    assert reading.load({}, tmp_path / "none") == Settings()
    broken = tmp_path / "broken"
    broken.write_bytes(b"MAX_COUNT=\xff\xfe\n")
    with pytest.raises(SettingsError) as caught:
        reading.load({}, broken)
    assert "broken" in words(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('DISCORD_TOKEN="x\nMAX_COUNT=2\n', 1),
        ("MAX_COUNT=2\n\n# a comment\nDISCORD_TOKEN: x\n", 4),
        ("\ufeffMAX_COUNT=2\r\n= 5\r\n", 2),
        ("MAX_COUNT='2' 3\n", 1),
    ],
)
def test_a_line_that_can_not_be_read_is_named(text: str, line: int, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes(text.encode())
    with pytest.raises(SettingsError) as caught:
        reading.load({}, file)
    assert (caught.value.key, caught.value.data["line"]) == ("settings_line", line)
    assert f"Line {line} " in words(caught.value)


def test_a_file_is_read_as_editors_write_it(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    lines = ["\ufeffMAX_COUNT=1", "export THREADS=3 # of 8", "", "MAX_COUNT = '2'", 'MODEL="a/b"']
    file.write_bytes("\r\n".join(lines).encode())
    settings = reading.load({}, file)
    assert (settings.max_count, settings.threads, settings.model) == (2, 3, "a/b")


def test_a_folder_is_no_settings_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="settings_file"):  # as Docker makes one to mount
        reading.load({}, tmp_path)


def test_default_steps_follow_a_lower_maximum_and_never_exceed_it() -> None:
    assert load(MAX_STEPS="20").default_steps == 20
    with pytest.raises(SettingsError, match="DEFAULT_STEPS"):
        load(MAX_STEPS="20", DEFAULT_STEPS="25")


@given(st.dictionaries(st.sampled_from([v.name for v in VARIABLES]), st.text(max_size=40)))
def test_any_text_gives_settings_or_an_error_by_name(env: dict[str, str]) -> None:
    settings, errors = read(env)
    assert isinstance(settings, Settings)
    for error in errors:
        assert str(error.data["name"]) in words(error)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("https://gallery.example.org/", "https://gallery.example.org"),
        ("HTTPS://Gallery.Example.org:443", "https://gallery.example.org"),
        ("http://127.0.0.1:8090", "http://127.0.0.1:8090"),
        ("http://[2001:DB8::1]:80", "http://[2001:db8::1]"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://gallery.example.org:99999", None),
        ("https://[::1", None),
        ("https://:443", None),
        ("https://gallery.example.org/path", None),
    ],
)
def test_the_pages_address_is_written_as_browsers_do(typed: str, found: str | None) -> None:
    if found is None:
        with pytest.raises(SettingsError, match="WEB_URL"):
            load(WEB_URL=typed)
    else:
        assert load(WEB_URL=typed).web_url == found


def test_token_is_seen_nowhere() -> None:
    settings = load(DISCORD_TOKEN=TOKEN)
    assert settings.discord_token.reveal() == TOKEN
    shown = [
        repr(settings),
        str(settings),
        f"{settings.discord_token}",
        f"{settings.discord_token!r:>30}",
    ]
    assert not any(TOKEN in each or TOKEN[:10] in each for each in shown)
    assert settings.discord_token
    assert not Secret()


WAYS: dict[str, Callable[[Settings], object]] = {
    "repr": repr,
    "str": str,
    "asdict": lambda each: list(dataclasses.asdict(each).items()),
    "astuple": lambda each: list(dataclasses.astuple(each)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pprint": pprint.pformat,
    "json": lambda each: json.dumps(dataclasses.asdict(each), default=str),
    "attributes": lambda each: vars_of(each.discord_token),
    "format": lambda each: f"{each.discord_token:>40}",
}


@pytest.mark.parametrize("name", ["OWNER_IDS", "WEB_ADDRESS", "WEB_URL", "ENGINE", "MAX_STEPS"])
def test_a_token_in_the_wrong_line_is_not_repeated(name: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        load(**{name: TOKEN})
    assert TOKEN[:30] not in f"{caught.value}{words(caught.value)}"


@pytest.mark.parametrize("way", WAYS)
def test_no_way_of_showing_settings_shows_a_secret(way: str) -> None:
    settings = Settings(discord_token=Secret("abc.def"), discord_client_secret=Secret("ghi.jkl"))
    shown = WAYS[way](settings)
    for said in (repr(shown), str(shown)):
        assert "abc.def" not in said
        assert "ghi.jkl" not in said


def vars_of(value: object) -> object:
    """All attributes, as debuggers and serialisers find them."""
    return [(name, getattr(value, name, None)) for name in dir(value)]


def test_settings_are_copied_with_their_secrets_and_never_pickled() -> None:
    settings = Settings(discord_token=Secret("abc.def"))
    for same in (copy.copy(settings), copy.deepcopy(settings), replace(settings)):
        assert same == settings
        assert same.discord_token.reveal() == "abc.def"
    assert dataclasses.asdict(settings)["discord_token"].reveal() == "abc.def"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="secret"):
            pickle.dumps(settings, protocol)
    with pytest.raises(TypeError):
        pickle.dumps(settings.discord_token)
