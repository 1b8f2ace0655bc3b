"""Questions in a terminal, with arrow keys; answers are checked as they are given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import questionary

from bot.common.terminal import note

Problem = str
"""What is wrong with an answer; "" if nothing is."""
Check = Callable[[str], Problem]


def anything(_: str) -> Problem:
    """Every answer will do."""
    return ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several answers. `said`: how it is shown."""

    value: str
    said: str


class Ask(Protocol):
    """Asks the operator. Each raises KeyboardInterrupt if they end it."""

    def say(self, line: str) -> None:
        """Show `line`."""
        ...

    def text(self, question: str, *, default: str = "", check: Check = anything) -> str:
        """A line of text. Enter: `default`."""
        ...

    def secret(self, question: str, *, check: Check = anything) -> str:
        """The same, not shown while it is typed."""
        ...

    def choose(self, question: str, choices: Sequence[Choice], *, default: str) -> str:
        """The value of one of `choices`."""
        ...

    def yes(self, question: str, *, default: bool = True) -> bool:
        """Yes or no."""
        ...


class Terminal:
    """An `Ask` for people."""

    def say(self, line: str) -> None:
        note(line)

    def text(self, question: str, *, default: str = "", check: Check = anything) -> str:
        asked = questionary.text(question, default=default, validate=_validator(check))
        return _answer(asked).strip()

    def secret(self, question: str, *, check: Check = anything) -> str:
        return _answer(questionary.password(question, validate=_validator(check))).strip()

    def choose(self, question: str, choices: Sequence[Choice], *, default: str) -> str:
        made = [questionary.Choice(each.said, value=each.value) for each in choices]
        first = next((each for each in made if each.value == default), None)
        return _answer(questionary.select(question, choices=made, default=first))

    def yes(self, question: str, *, default: bool = True) -> bool:
        return bool(_answer(questionary.confirm(question, default=default)))


def _validator(check: Check) -> Callable[[str], Any]:
    return lambda typed: check(typed.strip()) or True


def _answer(question: Any) -> Any:
    try:
        return question.unsafe_ask()
    except EOFError:
        raise KeyboardInterrupt from None
