"""What the demo model draws on another machine, against the same engine in this process."""

from collections.abc import Callable, Generator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from bot.common.secret import Secret
from bot.config.engine_options import device_options
from bot.config.settings import Settings
from bot.hosts.cluster import Cluster, ClusterOptions
from bot.hosts.remote_engine import RemoteEngine
from bot.loras.scan import read_manifest
from bot.playground.page.styles import add_styles
from pipeline.engine.protocol import Engine
from pipeline.errors import Cancelled, InputError
from pipeline.load import load_engine
from pipeline.lora.use import LoraUse
from pipeline.request import ResolvedRequest
from tests.pipeline.own_model import make_request
from tests.support.host_process import TOKEN, HostProcess, free_port
from tests.support.patience import until_in_thread

pytestmark = [pytest.mark.hosts, pytest.mark.timeout(600)]

REQUEST = make_request(
    prompt="1girl, green hair, night sky",
    negative_prompt="lowres",
    width=128,
    height=192,
    num_inference_steps=6,
)


class Recorder:
    """A watch that keeps every preview, and cancels after `cancel_after` steps."""

    def __init__(self, cancel_after: int | None = None) -> None:
        self.steps: list[int] = []
        self.previews: list[Image.Image] = []
        self._cancel_after = cancel_after

    def is_cancelled(self) -> bool:
        return self._cancel_after is not None and len(self.steps) >= self._cancel_after

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None:
        self.steps.append(step)
        shown = preview()
        if shown is not None:
            self.previews.append(shown)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LORA_DIR of the bot; the host has one of its own, which is empty."""
    folder = tmp_path_factory.mktemp("bot") / "loras"
    add_styles(folder)
    return folder


@pytest.fixture(scope="module")
def remote(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[RemoteEngine]:
    if find_spec("ray") is None:
        pytest.skip("Ray is not installed (make test-hosts)")
    folder = tmp_path_factory.mktemp("same")
    options = ClusterOptions(address=f"127.0.0.1:{free_port()}", token=Secret(TOKEN), folder=folder)
    cluster = Cluster(options)
    cluster.connect()
    host = HostProcess(folder, cluster.address(), "one")
    try:
        engine = _engine_of(cluster, library)
        yield engine
        engine.close()
    finally:
        host.leave()
        cluster.stop()


def _engine_of(cluster: Cluster, library: Path) -> RemoteEngine:
    engine = RemoteEngine.create(until_in_thread(cluster.devices)[0], loras=library)
    engine.hello()
    engine.load()
    return engine


@pytest.fixture(scope="module")
def local(library: Path) -> Engine:
    options = device_options(Settings(model="demo", threads=1, lora_dir=str(library)))[0]
    return load_engine(options, progress=lambda _: None)


def both(
    remote: RemoteEngine,
    local: Engine,
    request: ResolvedRequest,
    init: Image.Image | None = None,
    mask: Image.Image | None = None,
) -> tuple[Image.Image, Image.Image]:
    images = {"init_image": init, "mask_image": mask}
    return (
        remote.draw(request, 0, Recorder(), **images).image,
        local.draw(request, 0, Recorder(), **images).image,
    )


def test_the_model_is_the_same(remote: RemoteEngine, local: Engine) -> None:
    assert replace(remote.model, expected=None) == replace(local.model, expected=None)


def test_a_picture_is_the_same_bit_for_bit(remote: RemoteEngine, local: Engine) -> None:
    there, here = both(remote, local, REQUEST)
    assert there.mode == here.mode
    np.testing.assert_array_equal(np.asarray(there), np.asarray(here))
    assert len(np.unique(np.asarray(here))) > 16, "not a picture"


def test_a_picture_from_a_picture_is_the_same(remote: RemoteEngine, local: Engine) -> None:
    begun = Image.effect_noise((128, 192), 40).convert("RGB")
    request = replace(REQUEST, init_picture="a" * 64, strength=0.6, seed=3)
    there, here = both(remote, local, request, begun)
    np.testing.assert_array_equal(np.asarray(there), np.asarray(here))
    other, _ = both(remote, local, request, begun.transpose(Image.Transpose.FLIP_TOP_BOTTOM))
    assert ImageChops.difference(there, other).getbbox(), "the picture it began from has no effect"


def test_a_part_redrawn_is_the_same(remote: RemoteEngine, local: Engine) -> None:
    begun = Image.effect_noise((128, 192), 40).convert("RGB")
    mask = Image.new("L", begun.size, 0)
    mask.paste(255, (0, 64, 128, 192))
    request = replace(REQUEST, init_picture="a" * 64, mask="b" * 64, strength=0.6, seed=3)
    there, here = both(remote, local, request, begun, mask)
    np.testing.assert_array_equal(np.asarray(there), np.asarray(here))
    kept = (0, 0, 128, 64)
    assert there.crop(kept).tobytes() == begun.crop(kept).tobytes()
    plain, _ = both(remote, local, replace(request, mask=""), begun)
    assert ImageChops.difference(there, plain).getbbox(), "the mask has no effect"


def test_steps_come_in_order_with_previews(remote: RemoteEngine) -> None:
    seen = Recorder()
    remote.draw(replace(REQUEST, num_inference_steps=12), 0, seen)
    assert seen.steps == list(range(1, 13))
    assert all(shown.format == "JPEG" for shown in seen.previews)
    assert seen.previews


def digest_of(library: Path, name: str) -> str:
    return read_manifest(library / f"{name}.json").adapter.sha256


def test_a_picture_with_loras_is_the_same(
    library: Path, remote: RemoteEngine, local: Engine
) -> None:
    uses = [
        LoraUse(name=name, strength=strength, digest=digest_of(library, name))
        for name, strength in (("ink", 0.8), ("pastel", 0.4))
    ]
    for loras in (uses[:1], uses, uses):  # the second time the host has them
        there, here = both(remote, local, replace(REQUEST, loras=tuple(loras)))
        np.testing.assert_array_equal(np.asarray(there), np.asarray(here))
    plain, _ = both(remote, local, REQUEST)
    assert ImageChops.difference(there, plain).getbbox(), "the LoRAs have no effect"


def test_a_lora_that_the_bot_lost_is_named(remote: RemoteEngine) -> None:
    gone = LoraUse(name="gone", strength=1.0, digest="ab" * 32)
    with pytest.raises(InputError) as failed:
        remote.draw(replace(REQUEST, loras=(gone,)), 0, Recorder())
    assert (failed.value.key, failed.value.data["name"]) == ("lora_gone", "gone")


def test_a_cancelled_picture_ends_and_the_next_is_drawn(
    remote: RemoteEngine, local: Engine
) -> None:
    seen = Recorder(cancel_after=2)
    with pytest.raises(Cancelled):
        remote.draw(replace(REQUEST, num_inference_steps=50), 0, seen)
    assert len(seen.steps) < 50
    there, here = both(remote, local, replace(REQUEST, seed=9))
    np.testing.assert_array_equal(np.asarray(there), np.asarray(here))
