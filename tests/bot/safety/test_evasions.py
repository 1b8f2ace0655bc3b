"""The catalogue of evasion attempts: each line of evasions.txt is refused."""

import re
from pathlib import Path

import pytest

from bot.safety.rules import Rule, check_prompt
from pipeline.rating import Rating


def _attempts() -> list[tuple[str, bool]]:
    """(prompt, whether it is refused even as `safe`)."""
    attempts: list[tuple[str, bool]] = []
    always = True
    for line in Path(__file__).with_name("evasions.txt").read_text(encoding="utf-8").split("\n"):
        if line == "# safe":
            always = False
        if line and not line.startswith("# "):
            attempts.append((_unescaped(line), always))
    return attempts


def _unescaped(line: str) -> str:
    escaped = re.compile(r"\\u([0-9a-f]{4})|\\U([0-9a-f]{8})|\\(n)")
    return escaped.sub(lambda found: "\n" if found[3] else chr(int(found[1] or found[2], 16)), line)


ATTEMPTS = _attempts()


def test_the_catalogue_is_as_long_as_promised() -> None:
    assert len(ATTEMPTS) == len(set(ATTEMPTS)) >= 150


@pytest.mark.parametrize(("prompt", "always"), ATTEMPTS)
def test_evasion_is_refused(prompt: str, always: bool) -> None:
    rating = Rating.SAFE if always else Rating.SENSITIVE
    violation = check_prompt(f"1girl, solo, {prompt}, smile", "lowres", rating=rating)
    assert violation is not None
    assert violation.rule is (Rule.MINOR_CODED if always else Rule.MINOR_SEXUAL)


@pytest.mark.parametrize(("prompt", "always"), [one for one in ATTEMPTS if not one[1]])
def test_a_child_may_be_drawn_at_safe_but_not_with_sexual_words(prompt: str, always: bool) -> None:
    assert check_prompt(f"1girl, {prompt}, smile", "", rating=Rating.SAFE) is None
    assert check_prompt(f"1girl, {prompt}, nude", "", rating=Rating.SAFE) is not None


@pytest.mark.parametrize(("prompt", "_always"), ATTEMPTS)
def test_the_same_words_in_the_negative_are_welcome(prompt: str, _always: bool) -> None:
    assert check_prompt("1girl, solo", prompt, rating=Rating.NSFW) is None


def _about_people() -> list[tuple[Rating, str]]:
    """Written by a person who had not seen the normaliser: rating, prompt."""
    lines = Path(__file__).with_name("people_evasions.txt").read_text(encoding="utf-8").split("\n")
    pairs = (line.split("\t", 1) for line in lines if line)
    return [(Rating[rating.upper()], _unescaped(prompt)) for rating, prompt in pairs]


@pytest.mark.parametrize(("rating", "prompt"), _about_people())
def test_disguised_words_for_living_people_are_refused(rating: Rating, prompt: str) -> None:
    assert check_prompt(f"1girl, {prompt}", "lowres", rating=rating) is not None
