import pytest

from bot.library.held_texts import HeldTexts
from pipeline.errors import InputError


def test_a_mark_stands_for_the_text_and_people_type_on() -> None:
    held = HeldTexts()
    mark = held.hold("1girl, " * 40, user_id=1)
    assert len(mark) < 15
    assert held.put_back(mark, user_id=1) == "1girl, " * 40
    assert held.put_back(f"The prompt is long {mark}, hat", user_id=1) == "1girl, " * 40 + ", hat"
    assert held.put_back("1girl, ‹2k›", user_id=1) == "1girl, ‹2k›"


def test_nobody_gets_the_text_of_another_person() -> None:
    held = HeldTexts()
    mark = held.hold("a secret", user_id=1)
    held.hold("another", user_id=2)
    with pytest.raises(InputError, match="suggestion_gone"):
        held.put_back(mark, user_id=2)


def test_a_text_that_is_used_stays_while_others_are_held() -> None:
    held = HeldTexts()
    mark = held.hold("1girl, " * 40, user_id=1)
    for number in range(40):
        assert held.put_back(f"{mark}, {number}", user_id=1).startswith("1girl, ")
        held.hold(f"text {number}", user_id=1)


def test_only_the_latest_are_kept() -> None:
    held = HeldTexts()
    marks = [held.hold(f"text {number}", user_id=1) for number in range(40)]
    assert held.put_back(marks[-1], user_id=1) == "text 39"
    with pytest.raises(InputError):
        held.put_back(marks[0], user_id=1)
    for person in range(2, 2000):
        held.hold("x", user_id=person)
    with pytest.raises(InputError):
        held.put_back(marks[-1], user_id=1)
