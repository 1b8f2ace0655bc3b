"""The playground in a process of its own, with an engine that draws slowly and knows no model.

`python -m tests.bot.playground.page.stage FOLDER PORT STEP_S PICTURES`; STEP_S "demo": with the
model of `make demo`. PICTURES: how many of those that it is filled with.
"""

import sys
from pathlib import Path

from bot.playground.page.filling import pieces
from bot.playground.page.start import Playground, run
from bot.playground.simulator import limits
from cogs.drawing import submission
from tests.support.fake_engine import FakeEngine
from tests.support.patience import PATIENCE_S


def main(folder: str, port: str, step_s: str, pictures: str) -> int:
    limits.ACKNOWLEDGE_WITHIN_S = PATIENCE_S  # a busy machine misses no deadline of Discord's
    submission.UNDECIDED_S = PATIENCE_S
    load = None if step_s == "demo" else lambda: FakeEngine(scale=8, step_s=float(step_s))
    return run(
        Playground(
            folder=Path(folder),
            port=int(port),
            load=load,
            settings={"progress_interval_s": 0.3},
            wanted=pieces()[: int(pictures)],
        )
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
