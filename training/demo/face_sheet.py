"""The contact sheet of faces that are drawn again, by the bot's own engine."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PIL import Image

from pipeline.engine.protocol import Engine
from pipeline.faces.sources import WITH_MODEL
from pipeline.load import load_engine
from pipeline.model.options import EngineOptions
from pipeline.rating import Rating
from pipeline.request import GenerationRequest, ResolvedRequest
from pipeline.resolve import Defaults, resolve
from training.demo.prompts import SHOWN
from training.demo.sheet import grid

_SIDE: Final = 1024
_SMALL: Final = 416  # of a figure: its face is small in the picture then
_ROUGH: Final = 52  # pixels of it that have any detail, a side
_PLACES: Final = ((40, 500), (560, 560))
_GROUND: Final = (196, 214, 232)
_SEED: Final = 700_000


class _Quiet:
    def is_cancelled(self) -> bool:
        return False

    def on_step(self, step: int, steps: int, preview: Callable[[], Image.Image | None]) -> None: ...


def face_sheet(model: Path, path: Path, *, columns: int = 4) -> None:
    """Above, figures that are small in their picture and have no details; below, the same with
    their faces drawn again; each in whole and with a face enlarged."""
    options = EngineOptions(model=str(model), models_dir=Path(), faces=model / WITH_MODEL)
    engine = load_engine(options, progress=print)
    shown: list[list[Image.Image]] = [[], []]
    try:
        for number in range(columns // 2):
            before, after = _pair(engine, number)
            for row, picture in zip(shown, (before, after), strict=True):
                left, top = _PLACES[0]
                enlarged = picture.crop((left, top, left + _SMALL, top + _SMALL))
                row += [picture, enlarged.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC)]
    finally:
        engine.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet = grid([*shown[0], *shown[1]], columns=columns, width=300)
    sheet.save(path, quality=84)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


def _pair(engine: Engine, number: int) -> tuple[Image.Image, Image.Image]:
    """Two figures of one prompt, before and after."""
    scene = Image.new("RGB", (_SIDE, _SIDE), _GROUND)
    prompt = SHOWN[number]
    for at, place in enumerate(_PLACES):
        asked = _resolved(GenerationRequest(prompt=prompt, seed=_SEED + number + 100 * at))
        figure = engine.draw(asked, 0, _Quiet()).image
        rough = figure.resize((_ROUGH, _ROUGH), Image.Resampling.BOX)
        scene.paste(rough.resize((_SMALL, _SMALL), Image.Resampling.BICUBIC), place)
    asked = _resolved(
        GenerationRequest(prompt=prompt, seed=_SEED, init_picture="given", only_faces=True)
    )
    return scene, engine.draw(asked, 0, _Quiet(), init_image=scene).image


def _resolved(request: GenerationRequest) -> ResolvedRequest:
    return resolve(
        replace(request, aspect="square"),
        defaults=Defaults(),
        ceiling=Rating.SAFE,
        random_seed=lambda: 0,
        category_of=lambda _: None,
        init_width=_SIDE,
        init_height=_SIDE,
    )
