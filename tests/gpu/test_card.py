"""What only a card can tell. Written without one: none of it has run yet."""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL.Image import Image

from data.shipped.paths import DEMO_MODEL
from pipeline.engine.protocol import Engine
from pipeline.load import load_engine, open_slots
from pipeline.model.options import EngineOptions
from pipeline.plan.on_card import read_card
from pipeline.runtime.providers import CUDA
from tests.pipeline.own_model import make_request

_SMI = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")


class Quiet:
    def is_cancelled(self) -> bool:
        return False

    def on_step(self, step: int, steps: int, preview: object) -> None:
        pass


def draw(models_dir: Path, provider: str, **changes: object) -> tuple[Engine, Image]:
    engine = load_engine(
        EngineOptions(model=str(DEMO_MODEL), models_dir=models_dir, provider=provider),  # pyright: ignore[reportArgumentType]
        progress=print,
    )
    request = make_request(width=256, height=256, num_inference_steps=8, **changes)
    return engine, engine.draw(request, 0, Quiet()).image


def test_the_driver_tells_what_nvidia_smi_tells() -> None:
    card = read_card(0)
    assert card is not None
    try:
        listed = subprocess.run(_SMI, capture_output=True, text=True, timeout=30, check=True)
    except FileNotFoundError:
        pytest.skip("needs a CUDA device with nvidia-smi")
    cards = [line.rpartition(", ") for line in listed.stdout.splitlines()]
    assert card.name in {name for name, _, _ in cards}
    totals = [int(mib) * 2**20 for name, _, mib in cards if name == card.name]
    assert any(0.9 * total < card.total_bytes <= total for total in totals)


def test_a_picture_of_the_card_is_near_the_processors(tmp_path: Path) -> None:
    engine, on_card = draw(tmp_path, "cuda")
    assert engine.model.provider == CUDA
    engine.close()
    _, on_processor = draw(tmp_path, "cpu")
    difference = np.abs(np.asarray(on_card, np.int16) - np.asarray(on_processor, np.int16))
    assert difference.mean() < 2, "levels of 256; other kernels round otherwise"


def test_the_card_gives_the_same_picture_again_and_after_opening_anew(tmp_path: Path) -> None:
    first, picture = draw(tmp_path, "cuda")
    request = make_request(width=256, height=256, num_inference_steps=8)
    assert first.draw(request, 0, Quiet()).image.tobytes() == picture.tobytes()
    first.close()
    again, other = draw(tmp_path, "cuda")
    assert other.tobytes() == picture.tobytes()
    again.close()


def test_pictures_drawn_at_once_are_near_those_drawn_alone(tmp_path: Path) -> None:
    options = EngineOptions(
        model=str(DEMO_MODEL), models_dir=tmp_path, provider="cuda", draw_at_once=0
    )
    open_slot = open_slots(options, progress=print, turn=threading.Lock())
    slots = [open_slot(number) for number in range(4)]
    requests = [
        make_request(width=256, height=256, num_inference_steps=8, seed=seed) for seed in range(4)
    ]
    with ThreadPoolExecutor(4) as pool:
        calls = [
            pool.submit(slot.draw, request, 0, Quiet())
            for slot, request in zip(slots, requests, strict=True)
        ]
        drawn = [call.result() for call in calls]
    assert max(each.at_once for each in drawn) > 1
    for request, each in zip(requests, drawn, strict=True):
        alone = slots[0].draw(request, 0, Quiet()).image
        difference = np.abs(np.asarray(each.image, np.int16) - np.asarray(alone, np.int16))
        assert difference.mean() < 2, "levels of 256; other kernels may be chosen for more rows"
    for slot in slots:
        slot.close()
