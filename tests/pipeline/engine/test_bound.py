"""What does not change from step to step is placed on the device once, without naming one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine.own import OwnEngine
from pipeline.engine.rows import Row
from pipeline.runtime.bound import Bound
from tests.pipeline.own_model import make_request, open_own

SIZE = {"width": 256, "height": 256}
STEPS = 6


@pytest.fixture(scope="module")
def engine(demo_path: Path) -> Iterator[OwnEngine]:
    opened = open_own(demo_path, at_once=4)
    yield opened
    opened.close()


@pytest.fixture
def binds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each binding."""
    made: list[int] = []
    init = Bound.__init__

    def noted(self: Bound, raw: Any, values: Any) -> None:
        made.append(values["time_ids"].shape()[0])
        init(self, raw, values)

    monkeypatch.setattr(Bound, "__init__", noted)
    return made


def begin(engine: OwnEngine, seed: int, **changes: Any) -> Row:
    return engine.begin(
        make_request(**(SIZE | {"num_inference_steps": STEPS, "seed": seed} | changes)), 0
    )


def test_the_same_rows_are_bound_once_and_again_when_one_joins_or_leaves(
    engine: OwnEngine, binds: list[int]
) -> None:
    one, two = begin(engine, 1), begin(engine, 2)
    for _ in range(2):
        engine.step([one])
    for _ in range(2):
        engine.step([one, two])
    assert binds == [2, 4]
    engine.step([two])
    engine.step([two])
    assert binds == [2, 4, 2]


def test_a_prompt_that_changes_is_bound_again(engine: OwnEngine, binds: list[int]) -> None:
    row = begin(engine, 1, prompt="[cat:dog:3]")
    for _ in range(STEPS - 1):
        engine.step([row])
    assert len(binds) == 2


def test_nothing_is_kept_of_the_rows_before_when_the_loras_change(engine: OwnEngine) -> None:
    row = begin(engine, 1)
    engine.step([row])
    unet: Any = engine.unet
    graph = unet._plain._whole
    assert graph._bound is not None
    unet.forget()
    assert graph._bound is None
    engine.step([row])


def test_a_bound_run_gives_what_an_ordinary_run_gives(engine: OwnEngine) -> None:
    session: Any = engine.session
    random = np.random.default_rng(0)
    inputs = {
        name: random.standard_normal(
            [
                side if isinstance(side, int) and side > 0 else free
                for side, free in zip(port.shape, shape, strict=True)
            ]
        )
        for name, port in session.inputs.items()
        for shape in [_SHAPES[name]]
        if not name.startswith("lora/")
    }
    output = next(iter(session.outputs))
    plain = session.run(inputs, [output])[output]
    fixed = {
        name: inputs.pop(name) for name in ("encoder_hidden_states", "text_embeds", "time_ids")
    }
    bound = session.bind(fixed)
    for _ in range(2):
        np.testing.assert_array_equal(session.run(inputs, [output], bound=bound)[output], plain)


_SHAPES = {
    "sample": (2, 16, 4, 4),
    "timestep": (2,),
    "encoder_hidden_states": (2, 77, 64),
    "text_embeds": (2, 64),
    "time_ids": (2, 6),
}
