"""Names of LoRAs that can be typed in a prompt and stored on every system."""

import pytest

from bot.common.wording import words
from bot.loras.names import MAX_NAME, check_name, key_of, name_from
from pipeline.errors import InputError


@pytest.mark.parametrize(
    "name", ["ink", "Ink Wash v1.2", "墨絵", "アニメ塗り", "a" * (MAX_NAME - 1), "é_(x)"]
)
def test_names_that_can_be_used(name: str) -> None:
    assert check_name(name) == name
    assert name_from(name) == name


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("my:style", "my_style"),
        ("my：style", "my_style"),
        ("../x", "_x"),
        ("a/b", "a_b"),
        ("a\\b", "a_b"),
        ("<lora:a:1>", "_lora_a_1_"),
        ("a,b", "a_b"),
        ("a\nb", "a_b"),
        ("a\u202eb", "a_b"),
        ("a\u3000b", "a_b"),
        (" a  b ", "a b"),
        (".hidden", "hidden"),
        ("a.", "a"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        ("Lpt1", "_Lpt1"),
        ("a" * 300, "a" * (MAX_NAME - 1)),
        ("\udcff", "_"),
    ],
)
def test_names_that_cant(name: str, instead: str) -> None:
    with pytest.raises(InputError) as caught:
        check_name(name)
    assert caught.value.key == "lora_name"
    assert "Choose another" in words(caught.value)
    assert name_from(name) == instead


@pytest.mark.parametrize("name", ["", " ", "...", "\u3000"])
def test_nothing_is_no_name(name: str) -> None:
    with pytest.raises(InputError):
        check_name(name)


def test_what_distinguishes_names() -> None:
    assert key_of("Ｓtraße") == key_of("STRASSE")
    assert key_of("か\u3099") == key_of("が")
    assert key_of("ink") != key_of("ink2")
    assert check_name("か\u3099") == "が"
