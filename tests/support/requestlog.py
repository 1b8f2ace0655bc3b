"""The log of every request that the server got, for counting what was really sent."""

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from bot.playground.simulator.errors import Json


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request and its answer. `files`: names and sizes. `took_effect`: see `Fault.cut`."""

    at: float
    method: str
    path: str
    route: str = ""
    json: Any = None
    files: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    status: int = 0
    response: Any = None
    elapsed_s: float = 0.0

    def as_json(self) -> Json:
        return {
            "at": self.at,
            "method": self.method,
            "path": self.path,
            "json": self.json,
            "files": [{"filename": name, "size": size} for name, size in self.files],
            "status": self.status,
            "elapsed_s": self.elapsed_s,
        }


class RequestLog:
    """Kept in order of arrival; the last `kept` ones."""

    def __init__(self, kept: int = 50_000) -> None:
        self.entries: deque[Entry] = deque(maxlen=kept)

    def find(
        self, method: str = ".*", path: str = ".*", *, status: int | None = None
    ) -> list[Entry]:
        """Entries by method, by path (a regular expression found anywhere) and by status."""
        return [
            entry
            for entry in self.entries
            if re.fullmatch(method, entry.method)
            and re.search(path, entry.path)
            and (status is None or entry.status == status)
        ]

    def clear(self) -> None:
        self.entries.clear()
