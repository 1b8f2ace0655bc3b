"""Faults that a test orders: the next requests of a kind are refused, delayed or cut off."""

import asyncio
import re
from dataclasses import dataclass
from typing import Literal

from bot.playground.simulator.errors import Json


@dataclass(slots=True, kw_only=True)
class Fault:
    """For the next `times` requests with `method` whose path `path` finds (a regular expression).

    `status` refuses with `code` and `message`; 429 takes `retry_after_s`. `delay_s` waits first,
    `until` waits until it is set.
    `cut` ends the connection without an answer, `before` or `after` the request took effect.
    `garble`: the request takes effect, and this text is its answer, as `garble_type`: something
    between Discord and us answers in its place.
    `files`: only requests that bring files, or only those that don't.
    """

    method: str = ".*"
    path: str = ".*"
    times: int = 1
    status: int | None = None
    code: int = 0
    message: str = "Injected"
    retry_after_s: float = 0.1
    is_global: bool = False
    delay_s: float = 0.0
    until: asyncio.Event | None = None
    cut: Literal["before", "after"] | None = None
    garble: str | None = None
    garble_type: str = "application/json"
    files: bool | None = None

    def meets(self, method: str, path: str, *, files: bool) -> bool:
        return bool(
            self.times > 0
            and re.fullmatch(self.method, method)
            and re.search(self.path, path)
            and self.files in {None, files}
        )


class Faults:
    """The faults that are still to come, first ordered first."""

    def __init__(self) -> None:
        self.pending: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        self.pending.append(fault)
        return fault

    def clear(self) -> None:
        self.pending.clear()

    def take(self, method: str, path: str, *, files: bool) -> Fault | None:
        """The fault for this request, counted as used."""
        for fault in self.pending:
            if fault.meets(method, path, files=files):
                fault.times -= 1
                self.pending = [f for f in self.pending if f.times > 0]
                return fault
        return None

    @staticmethod
    def from_json(data: Json) -> Fault:
        """ValueError or TypeError for a name or pattern that does not exist."""
        fault = Fault(**data)
        try:
            re.compile(fault.method)
            re.compile(fault.path)
        except re.error as error:
            raise ValueError(str(error)) from error
        return fault
