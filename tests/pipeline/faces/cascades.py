"""Small cascades at random, and one that finds a pattern."""

import numpy as np

from pipeline.faces.cascade_file import Cascade, Stage


def some_cascade(seed: int, *, window: int = 12, stages: int = 2, weak: int = 3) -> Cascade:
    """Features at random places, and tables of two values each."""
    rng = np.random.default_rng(seed)
    made: list[Stage] = []
    for _ in range(stages):
        features: list[tuple[int, ...]] = []
        values: list[np.ndarray[tuple[int], np.dtype[np.float32]]] = []
        for _ in range(weak):
            across, down = (int(rng.integers(1, window // 3 + 1)) for _ in range(2))
            left = int(rng.integers(0, window - 3 * across + 1))
            top = int(rng.integers(0, window - 3 * down + 1))
            features.append((left, top, across, down))
            values.append(np.where(rng.random(256) < 0.5, np.float32(-0.75), np.float32(0.5)))
        made.append(
            Stage(features=np.array(features, np.intp), values=np.stack(values), threshold=-0.25)
        )
    return Cascade(width=window, height=window, stages=tuple(made))


def bright_middle(window: int = 12) -> Cascade:
    """Finds a square that is brighter than all around it: then no outer block is as bright."""
    third = window // 3
    values = np.full((1, 256), -1, np.float32)
    values[0, 0] = 1
    feature = np.array([(0, 0, third, third)], np.intp)
    stage = Stage(features=feature, values=values, threshold=0.0)
    return Cascade(width=window, height=window, stages=(stage,))
