"""The tagger: its contract, its results, where it is found, and what is no tagger."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipeline.errors import EngineError, ModelError
from pipeline.rating import Rating
from pipeline.tagger.folder import fetched_path, find_tagger, tagger_name
from pipeline.tagger.labels import read_labels
from pipeline.tagger.picture import as_input
from pipeline.tagger.tagger import Tagger
from pipeline.tagger.tagging import Tagging
from tests.support.tagger import COLOURS, ROWS, make_tagger


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tagger(tmp_path_factory.mktemp("model") / "tagger")


@pytest.fixture(scope="session")
def tagger(folder: Path) -> Tagger:
    return Tagger.open(folder, threads=1)


def a_picture(name: str, size: tuple[int, int] = (52, 76)) -> Image.Image:
    return Image.new("RGB", size, COLOURS[name])


@pytest.mark.parametrize(
    ("colour", "rating"),
    [
        ("green", Rating.SAFE),
        ("blue", Rating.SENSITIVE),
        ("yellow", Rating.NSFW),
        ("red", Rating.EXPLICIT),
    ],
)
def test_the_four_ratings_are_ours_one_to_one(tagger: Tagger, colour: str, rating: Rating) -> None:
    seen = tagger.tag(a_picture(colour))
    assert seen.rating is rating
    assert sum(seen.ratings) == pytest.approx(1, abs=1e-3)
    assert "1girl" in seen.tags()


def test_tags_above_their_thresholds_count_and_the_surest_comes_first(tagger: Tagger) -> None:
    seen = tagger.tag(a_picture("rose"))
    assert "loli" in seen.tags()
    assert "child" not in seen.tags()
    assert list(seen.general.values()) == sorted(seen.general.values(), reverse=True)
    weak = Tagging(
        ratings=(1, 0, 0, 0),
        general={"hat": 0.36, "cat": 0.34},
        characters={"a": 0.86, "b": 0.84},
    )
    assert weak.tags() == {"hat": 0.36, "a": 0.86}


@pytest.mark.parametrize(
    ("ratings", "wanted"),
    [
        ((0.9, 0.1, 0.0, 0.0), Rating.SAFE),
        ((0.4, 0.35, 0.2, 0.05), Rating.SAFE),
        ((0.35, 0.05, 0.3, 0.3), Rating.NSFW),  # more is for adult content than against it
        ((0.1, 0.45, 0.4, 0.05), Rating.SENSITIVE),
        ((0.0, 0.45, 0.4, 0.15), Rating.NSFW),
        ((0.3, 0.1, 0.1, 0.5), Rating.EXPLICIT),
        ((0.49, 0.0, 0.51, 0.0), Rating.NSFW),
    ],
)
def test_a_picture_in_doubt_has_the_higher_rating_where_adult_content_begins(
    ratings: tuple[float, float, float, float], wanted: Rating
) -> None:
    assert Tagging(ratings=ratings, general={}, characters={}).rating is wanted


def test_a_picture_is_padded_with_white_to_a_square_in_bgr() -> None:
    made = as_input(Image.new("RGB", (20, 40), (10, 20, 30)), 40)
    assert (made.shape, made.dtype) == ((1, 40, 40, 3), np.float32)
    assert made[0, 20, 20].tolist() == [30, 20, 10]
    assert made[0, 20, 2].tolist() == made[0, 20, 37].tolist() == [255, 255, 255]


def test_it_is_made_smaller_by_bicubic_interpolation() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    image = Image.fromarray(noise)
    wanted = np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC), np.float32)
    assert np.array_equal(as_input(image, 32)[0], wanted[:, :, ::-1])


def test_what_is_transparent_is_white() -> None:
    made = as_input(Image.new("RGBA", (8, 8), (255, 0, 0, 0)), 8)
    assert (made == 255).all()


def test_it_runs_on_the_processor_alone(tagger: Tagger) -> None:
    assert tagger._session.raw.get_providers() == ["CPUExecutionProvider"]  # pyright: ignore[reportPrivateUsage]


def test_the_models_own_tagger_comes_before_the_fetched_one(tmp_path: Path) -> None:
    models = tmp_path / "models"
    fetched, model = fetched_path(models), tmp_path / "sdxl"
    assert find_tagger("auto", model=model, models_dir=models) is None
    make_tagger(fetched)
    assert find_tagger("auto", model=model, models_dir=models) == fetched
    assert tagger_name(fetched) == "SmilingWolf/wd-vit-tagger-v3"
    own = make_tagger(model / "tagger")
    assert find_tagger("auto", model=model, models_dir=models) == own
    assert tagger_name(own) == "sdxl"
    assert find_tagger("off", model=model, models_dir=models) is None
    assert find_tagger(str(fetched), model=model, models_dir=models) == fetched


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        find_tagger(str(tmp_path), model=tmp_path, models_dir=tmp_path)
    assert caught.value.key == "tagger_missing"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("selected_tags.csv", "tag_id,name,category,count\n0,general,9,0\n"),
        ("selected_tags.csv", "nothing\n"),
        ("selected_tags.csv", "\xff"),
        ("model.onnx", "no graph"),
    ],
)
def test_a_damaged_tagger_is_told_at_start(tmp_path: Path, name: str, content: str) -> None:
    folder = make_tagger(tmp_path)
    (folder / name).write_bytes(content.encode("latin-1"))
    with pytest.raises(ModelError) as caught:
        Tagger.open(folder, threads=1)
    assert caught.value.key == "tagger_unreadable"


def test_a_table_of_another_model_is_told_at_start(tmp_path: Path) -> None:
    folder = make_tagger(tmp_path, rows=(*ROWS, ("one_more", 0)))
    with pytest.raises(ModelError, match="10 rows"):
        Tagger.open(folder, threads=1)


def test_what_is_no_probability_is_no_judgement(tmp_path: Path) -> None:
    broken = Tagger.open(make_tagger(tmp_path, broken=True), threads=1)
    with pytest.raises(EngineError, match="no probabilities"):
        broken.tag(a_picture("green"))


def test_the_table_knows_tags_by_kind(folder: Path) -> None:
    labels = read_labels(folder / "selected_tags.csv")
    assert (labels.count, labels.ratings) == (9, (0, 1, 2, 3))
    assert list(labels.characters) == ["hatsune_miku"]
