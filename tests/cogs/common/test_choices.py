"""Autocompletion answers that Discord takes."""

from bot.library.suggestions import Suggestion
from cogs.common.choices import as_choices


def test_at_most_25_are_shown() -> None:
    assert len(as_choices([Suggestion(name=f"t{i}", value=f"t{i}") for i in range(60)])) == 25


def test_a_value_is_never_cut() -> None:
    long = Suggestion(name="long", value="x" * 101)
    fits = Suggestion(name="y" * 150, value="x" * 100)
    choices = as_choices([long, fits])
    assert [choice.value for choice in choices] == ["x" * 100]
    assert len(choices[0].name) == 100


def test_names_are_unique_and_not_empty() -> None:
    same = [Suggestion(name="a", value="1"), Suggestion(name="a", value="2")]
    empty = [Suggestion(name="", value="3"), Suggestion(name="b", value="")]
    assert len(as_choices(same + empty)) == 1
