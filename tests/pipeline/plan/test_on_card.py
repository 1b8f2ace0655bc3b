"""A model laid out on a card of a given size. The driver is stood in for behind its real calling
convention; that a real one answers so is in tests/gpu."""

import ctypes
from pathlib import Path

import pytest

from pipeline.errors import ModelError
from pipeline.model.folder import Component, ModelFolder
from pipeline.model.options import EngineOptions
from pipeline.plan.card_plan import SDXL, least_bytes, plan_card
from pipeline.plan.memory_plan import Shape
from pipeline.plan.on_card import Card, plan_on, read_card, sizes_of, sizes_of_folder
from pipeline.plan.place import place_model
from pipeline.runtime.providers import CPU, CUDA
from pipeline.runtime.sessions import SessionFactory, arena_of

GIB = 2**30
CARD = Card(name="A card", total_bytes=24 * GIB)


class Driver:
    """Two cards, as libcuda tells of them: pointers in, 0 or an error number out."""

    def __init__(self, totals: tuple[int, ...] = (8 * GIB, 24 * GIB), *, started: int = 0) -> None:
        whole, pointer = ctypes.c_int, ctypes.c_void_p

        def start(_: int) -> int:
            return started

        def get(device: int, ordinal: int) -> int:
            if ordinal >= len(totals):
                return 101  # CUDA_ERROR_INVALID_DEVICE
            ctypes.cast(device, ctypes.POINTER(whole))[0] = ordinal + 40
            return 0

        def total(size: int, device: int) -> int:
            ctypes.cast(size, ctypes.POINTER(ctypes.c_size_t))[0] = totals[device - 40]
            return 0

        def name(buffer: int, length: int, device: int) -> int:
            ctypes.memmove(buffer, f"Card {device}".encode().ljust(length, b"\0"), length)
            return 0

        self.cuInit = ctypes.CFUNCTYPE(whole, ctypes.c_uint)(start)
        self.cuDeviceGet = ctypes.CFUNCTYPE(whole, pointer, whole)(get)
        self.cuDeviceTotalMem_v2 = ctypes.CFUNCTYPE(whole, pointer, whole)(total)
        self.cuDeviceGetName = ctypes.CFUNCTYPE(whole, pointer, whole, whole)(name)


def test_the_driver_tells_name_and_memory() -> None:
    assert read_card(0, driver=Driver()) == Card(name="Card 40", total_bytes=8 * GIB)
    assert read_card(1, driver=Driver()) == Card(name="Card 41", total_bytes=24 * GIB)


@pytest.mark.parametrize("driver", [Driver(()), Driver(started=100), object()])
def test_a_driver_that_says_nothing_is_no_card(driver: object) -> None:
    assert read_card(0, driver=driver) is None


def test_sizes_of_sdxl_come_near_those_that_were_computed() -> None:
    weights: dict[Component, int] = {
        "unet": 5_140_000_000, "text_encoder": 250_000_000, "text_encoder_2": 1_390_000_000,
        "vae_decoder": 198_000_000, "vae_encoder": 137_000_000,
    }  # fmt: skip
    shape = Shape(channels=320, latent_pixels=128 * 128, fused=True)
    half = sizes_of(weights, shape, is_half=True)
    assert half.unet_row == pytest.approx(SDXL.unet_row, rel=0.05)
    assert half.vae == pytest.approx(SDXL.vae, rel=0.05)
    assert (half.decoder, half.decoder_tile) == (SDXL.decoder, SDXL.decoder_tile)
    assert sizes_of(weights, shape, is_half=False).unet_row == pytest.approx(2 * half.unet_row)


@pytest.mark.parametrize("gib", [8, 10, 12, 16, 24, 80])
def test_what_is_planned_fits_into_the_bounds_of_the_sessions(gib: int) -> None:
    total = gib * GIB
    plan = plan_card(total)
    assert plan is not None
    limits = plan.arena_limits(total, SDXL)
    rows = 2 * plan.pictures_at_once * SDXL.unet_row
    assert limits["unet"] >= SDXL.unet + rows
    decoder = SDXL.decoder_tile if plan.tiled_vae else SDXL.decoder
    assert limits["vae_decoder"] >= SDXL.vae + decoder
    if plan.text_encoders_on_card:
        assert limits["text_encoder"] >= SDXL.text_encoders
    assert max(limits.values()) < total


def test_the_smallest_card_is_told_to_the_byte() -> None:
    least = least_bytes()
    assert plan_card(least) is not None
    assert plan_card(least - 10) is None


def test_a_card_that_is_too_small_is_named_with_what_it_takes(tiny: ModelFolder) -> None:
    assert plan_on(tiny, 8 * GIB).text_encoders_on_card
    with pytest.raises(ModelError) as caught:
        plan_on(tiny, GIB // 2)
    assert caught.value.key == "card_too_small"
    assert float(str(caught.value.data["need_gb"])) > 0.5


def test_a_run_is_told_which_arena_to_give_back() -> None:
    assert arena_of(CPU, {CPU: {}}) == "cpu:0"
    assert arena_of(CUDA, {CUDA: {"device_id": "1"}, CPU: {}}) == "gpu:1"


def options(model: Path, tmp_path: Path, **changes: object) -> EngineOptions:
    values: dict[str, object] = {"model": str(model), "models_dir": tmp_path, "threads": 1}
    return EngineOptions(**(values | changes))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA is taken to work. Nothing is loaded onto it."""

    def choose(wanted: str, *, device_id: int = 0) -> str:
        return CPU if wanted == "cpu" else CUDA

    monkeypatch.setattr("pipeline.runtime.sessions.choose_provider", choose)


@pytest.mark.usefixtures("a_card")
def test_a_model_is_placed_as_planned(tiny: ModelFolder, tmp_path: Path) -> None:
    lines: list[str] = []
    wanted = options(tiny.path, tmp_path)
    place = place_model(wanted, tiny, lines.append, read=lambda _: CARD)
    assert place.factory is place.text_factory
    assert place.factory.provider == CUDA
    assert (place.rows_at_once, place.tiled_vae) == (8, False)
    assert [place.pictures_at_once(wanted) for wanted in (0, 1, 3, 9)] == [4, 1, 3, 4]
    assert set(place.factory.card_limits) >= {"unet", "vae_decoder", "text_encoder_2"}
    assert lines == [
        "A card, 24.0 GiB: all of the model on it, the VAE in one piece, up to 8 rows at once, "
        + lines[0].rpartition(", ")[2]
    ]


@pytest.mark.usefixtures("a_card")
def test_text_encoders_stay_on_the_processor_where_the_card_is_full(
    tiny: ModelFolder, tmp_path: Path
) -> None:
    sizes = sizes_of_folder(tiny)
    tight = Card(name="A card", total_bytes=least_bytes(sizes))
    place = place_model(options(tiny.path, tmp_path), tiny, print, read=lambda _: tight)
    assert (place.factory.provider, place.text_factory.provider) == (CUDA, CPU)
    assert place.text_factory.open(tiny, "text_encoder").provider == CPU


@pytest.mark.usefixtures("a_card")
def test_a_small_card_is_left_alone_unless_it_was_asked_for(
    tiny: ModelFolder, tmp_path: Path
) -> None:
    lines: list[str] = []
    small = Card(name="A card", total_bytes=GIB // 2)
    place = place_model(options(tiny.path, tmp_path), tiny, lines.append, read=lambda _: small)
    assert place.factory.provider == CPU
    assert "A card is too small" in lines[0]
    asked = options(tiny.path, tmp_path, provider="cuda")
    with pytest.raises(ModelError, match="card_too_small"):
        place_model(asked, tiny, print, read=lambda _: small)


@pytest.mark.usefixtures("a_card")
def test_a_card_whose_memory_is_unknown_is_used_whole_and_said_so(
    tiny: ModelFolder, tmp_path: Path
) -> None:
    lines: list[str] = []
    place = place_model(options(tiny.path, tmp_path), tiny, lines.append, read=lambda _: None)
    assert (place.rows_at_once, place.tiled_vae) == (None, False)
    assert [place.pictures_at_once(wanted) for wanted in (0, 1, 3)] == [1, 1, 3]
    assert place.factory.card_limits == {}
    assert "can't be read" in lines[0]


def test_on_the_processor_no_card_is_asked(tiny: ModelFolder, tmp_path: Path) -> None:
    def never(_: int) -> Card | None:
        raise AssertionError("asked")

    place = place_model(options(tiny.path, tmp_path, provider="cpu"), tiny, print, read=never)
    assert isinstance(place.factory, SessionFactory)
    assert place.factory.provider == CPU
