"""An actor whose engine draws flat pictures, as slowly as a test wants."""

import os
from dataclasses import replace

from bot.hosts.device_actor import DeviceActor
from pipeline.engine.protocol import Engine
from tests.support.fake_engine import FAKE_MODEL, FakeEngine

STEP_S = "EKAKI_TEST_STEP_S"
MODEL = "EKAKI_TEST_MODEL"


class FlatActor(DeviceActor):
    """Reads from its host's environment how long a step takes, and the hash of its model."""

    def open_engine(self) -> Engine:
        model = replace(FAKE_MODEL, hash=os.environ.get(MODEL, FAKE_MODEL.hash))
        return FakeEngine(step_s=float(os.environ.get(STEP_S, "0.05")), model=model)
