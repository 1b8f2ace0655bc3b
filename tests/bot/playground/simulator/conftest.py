"""A simulated Discord that is patient with a busy machine."""

import pytest

from bot.playground.simulator import limits
from tests.support.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ACKNOWLEDGE_WITHIN_S", PATIENCE_S)
