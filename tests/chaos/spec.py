"""What a bot process is started with. Imports nothing of ours: both sides read it."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final

NO_DISK: Final = 3
"""Exit status of the fork server if mounting a disk is not allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSpec:
    """`url`, `token`: of the loopback Discord. `environment` is added to the process's own, with
    the failpoint for instance. `step_s`, `load_s`: how long a step and loading the engine take.
    `log`: where standard error goes. `tagger`: a folder. `deadly`: a word in a prompt over which
    the engine ends the process, as a system that kills it for memory does. `slots`: how many
    pictures it draws at once. `hosts_address`: other
    machines draw, which join there. `clock`: the file of a `SharedClock` that the bot goes by.
    `web_address`: where its web page is; empty: it has none. `patient`: it answers late rather
    than with a placeholder, and waits for deliveries when it stops.
    `settings`: which of its settings differ from those of a round, by field."""

    url: str
    token: str
    state: str
    log: str
    environment: dict[str, str] = field(default_factory=dict[str, str])
    step_s: float = 0.01
    load_s: float = 0.0
    steps: int = 8
    max_age_minutes: int = 360
    tagger: str = "off"
    deadly: str = ""
    slots: int = 1
    hosts_address: str = ""
    clock: str = ""
    web_address: str = ""
    patient: bool = False
    settings: dict[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(text: str) -> "BotSpec":
        return BotSpec(**json.loads(text))
