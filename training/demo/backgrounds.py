"""Where the figure stands: eight places, four times of day. Drawn on the whole canvas."""

import math
import random
from dataclasses import dataclass

from training.demo.ink import Colour, Ink, Path, box, mix
from training.demo.look import Look

_SKIES: dict[str, tuple[Colour, ...]] = {
    "day": ((90, 176, 250), (196, 234, 255)),
    "night": ((14, 20, 62), (52, 68, 138)),
    "starry sky": ((44, 20, 100), (112, 60, 176), (222, 124, 204)),
    "sunset": ((120, 66, 154), (246, 112, 94), (255, 202, 100)),
}
_TINTS: dict[str, Colour] = {
    "day": (1.0, 1.0, 1.0),
    "night": (0.28, 0.34, 0.6),
    "starry sky": (0.42, 0.34, 0.66),
    "sunset": (0.98, 0.66, 0.62),
}
_LAMP: Colour = (255, 232, 150)


@dataclass(slots=True, kw_only=True)
class _Scene:
    ink: Ink
    rng: random.Random
    width: float
    height: float
    time: str

    @property
    def unit(self) -> float:
        """Scale of things that keep their proportions."""
        return min(self.width, self.height) / 1024

    def tinted(self, colour: Colour) -> Colour:
        """The colour in this light."""
        red, green, blue = (v * t for v, t in zip(colour, _TINTS[self.time], strict=True))
        return red, green, blue

    def near(self, value: float, spread: float) -> float:
        return value + self.rng.uniform(-spread, spread)


def draw_background(ink: Ink, look: Look, *, width: int, height: int) -> None:
    """Fill the canvas with the look's place at its time of day."""
    rng = random.Random(look.detail)
    scene = _Scene(ink=ink, rng=rng, width=width, height=height, time=look.time)
    if look.place == "simple background":
        ink.shape(box(0, 0, width, height), look.plain, width=0)
    elif look.place == "room":
        _room(scene)
    else:
        _sky(scene, clouds=look.place in ("outdoors", "beach"))
        _PLACES[look.place](scene)


def _sky(scene: _Scene, *, clouds: bool) -> None:
    scene.ink.gradient(0, scene.height, *_SKIES[scene.time])
    if scene.time == "day" and clouds:
        for across, down in ((0.11, 0.17), (0.89, 0.25), (0.07, 0.45)):
            _cloud(scene, scene.near(across, 0.04), scene.near(down, 0.04))
    elif scene.time == "night":
        _moon(scene)
        for _ in range(10):
            _dot(scene, 7, (255, 255, 225))
    elif scene.time == "starry sky":
        for _ in range(round(40 * scene.width * scene.height / 2**20)):
            _star(scene)
    elif scene.time == "sunset":
        x, y = scene.width * scene.near(0.14, 0.03), scene.height * 0.5
        scene.ink.oval(x, y, 150 * scene.unit, 150 * scene.unit, (255, 238, 150))
        for across, down in ((0.86, 0.2), (0.24, 0.1), (0.95, 0.38)):
            _streak(scene, across, down)


def _cloud(scene: _Scene, across: float, down: float) -> None:
    x, y, unit = scene.width * across, scene.height * down, scene.unit * 1.2
    for dx, dy, size in ((-74, 14, 50), (0, -14, 70), (76, 12, 54), (0, 28, 54)):
        place = (x + dx * unit, y + dy * unit, size * unit * 1.15, size * unit * 0.8)
        scene.ink.oval(*place, (255, 255, 255))


def _moon(scene: _Scene) -> None:
    x, y = scene.width * scene.near(0.86, 0.02), scene.height * scene.near(0.16, 0.02)
    scene.ink.oval(x, y, 96 * scene.unit, 96 * scene.unit, (255, 242, 176))
    scene.ink.oval(x - 30 * scene.unit, y + 16 * scene.unit, 18, 16, (240, 222, 150))


def _dot(scene: _Scene, size: float, colour: Colour) -> None:
    x, y = scene.rng.random() * scene.width, scene.rng.random() * scene.height * 0.6
    scene.ink.oval(x, y, size, size, colour)


def _star(scene: _Scene) -> None:
    x, y = scene.rng.random() * scene.width, scene.rng.random() * scene.height * 0.8
    size = scene.rng.choice((12, 16, 22))
    points = tuple(
        (
            x + size * (1.5 if turn % 2 == 0 else 0.4) * math.sin(turn * math.pi / 4),
            y + size * (1.5 if turn % 2 == 0 else 0.4) * math.cos(turn * math.pi / 4),
        )
        for turn in range(8)
    )
    scene.ink.shape(points, (255, 250, 215), width=0)


def _streak(scene: _Scene, across: float, down: float) -> None:
    x, y, unit = scene.width * scene.near(across, 0.02), scene.height * down, scene.unit
    scene.ink.oval(x, y, 170 * unit, 28 * unit, (255, 176, 146))
    scene.ink.oval(x - 60 * unit, y + 34 * unit, 110 * unit, 22 * unit, (255, 198, 160))


def _hill(scene: _Scene, top: float, colour: Colour, *, wave: float = 40) -> None:
    """Ground from `top` (share of the height) down, its edge a slow wave."""
    width, height, phase = scene.width, scene.height, scene.rng.random() * 6
    y = height * top
    steps: list[tuple[float, ...]] = [(-10, height + 10), (-10, y)]
    for index in range(8):
        x0, x1 = width * index / 8, width * (index + 1) / 8
        turn = phase + index * 1.7
        middle = y + wave * math.sin(turn)
        steps.append(((x0 + x1) / 2, middle, x1, y + wave * 0.3 * math.sin(turn + 0.8)))
    steps += [(width + 10, y), (width + 10, height + 10)]
    scene.ink.shape(tuple(steps), scene.tinted(colour), width=0)


def _outdoors(scene: _Scene) -> None:
    _hill(scene, 0.64, (126, 206, 100), wave=50)
    _hill(scene, 0.8, (88, 178, 78))


def _beach(scene: _Scene) -> None:
    height = scene.height
    deep, shallow = scene.tinted((20, 122, 214)), scene.tinted((76, 220, 224))
    scene.ink.gradient(height * 0.52, height * 0.76, deep, shallow)
    _hill(scene, 0.735, (255, 255, 255), wave=24)
    _hill(scene, 0.755, (250, 224, 164), wave=24)


def _forest(scene: _Scene) -> None:
    scene.ink.gradient(0, scene.height, scene.tinted((128, 204, 126)), scene.tinted((64, 136, 84)))
    if scene.time == "night":
        _moon(scene)
    elif scene.time == "starry sky":
        for _ in range(round(24 * scene.width * scene.height / 2**20)):
            _star(scene)
    trunks = (
        ((82, 124, 88), 44, (0.2, 0.4, 0.64, 0.88)),
        ((90, 62, 50), 88, (0.04, 0.26, 0.76, 0.97)),
    )
    for colour, thick, places in trunks:
        for place in places:
            x = scene.width * place + scene.near(0, 14)
            scene.ink.shape(
                box(x - thick / 2, 0, thick, scene.height), scene.tinted(colour), width=0
            )
    greens: tuple[Colour, ...] = ((40, 124, 64), (56, 150, 74), (34, 104, 62))
    size = 132 * scene.unit
    for index in range(9):
        x, y = scene.width * index / 8, scene.height * 0.01 + scene.near(0, 16)
        scene.ink.oval(x, y, size, size * 0.9, scene.tinted(greens[index % 3]))
    _hill(scene, 0.76, (52, 130, 62), wave=46)
    _hill(scene, 0.88, (38, 102, 54))


def _city(scene: _Scene) -> None:
    width, height, rng = scene.width, scene.height, scene.rng
    haze = {"night": (62, 72, 122), "starry sky": (110, 74, 150), "sunset": (196, 104, 120)}
    far = haze.get(scene.time, (172, 192, 216))
    near = {"night": (30, 36, 70), "starry sky": (58, 40, 96), "sunset": (104, 58, 96)}
    close = near.get(scene.time, (112, 128, 160))
    lit = _LAMP if scene.time != "day" else (226, 240, 250)
    for index in range(9):
        tall = height * rng.uniform(0.5, 0.7)
        scene.ink.shape(box(width * index / 9, height - tall, width / 9, tall), far, width=0)
    count = max(5, round(width / 170))
    for index in range(count):
        left, wide = width * index / count, width / count
        tall = height * rng.uniform(0.34, 0.56)
        scene.ink.shape(box(left + 8, height - tall, wide - 16, tall), close, width=0)
        for row in range(int(tall // 76)):
            for share in (0.2, 0.58):
                y = height - tall + 30 + row * 76
                scene.ink.shape(box(left + wide * share, y, wide * 0.22, 36), lit, width=0)


def _room(scene: _Scene) -> None:
    width, height, unit, ink = scene.width, scene.height, scene.unit, scene.ink
    wood: Colour = (136, 88, 58)
    ink.shape(box(0, 0, width, height), (242, 224, 198), width=0)
    for index in range(0, int(width / 96) + 1, 2):
        ink.shape(box(index * 96, 0, 96, height), (236, 212, 182), width=0)
    ink.shape(box(0, height * 0.78, width, height), (166, 112, 76), width=0)
    ink.shape(box(0, height * 0.765, width, 16), (252, 244, 230), width=0)
    _window(scene, (width * 0.04, height * 0.12, 270 * unit, 390 * unit), wood)
    x, wide = width * 0.97 - 240 * unit, 240 * unit
    books: tuple[Colour, ...] = ((206, 72, 68), (72, 124, 186), (92, 164, 104), (236, 186, 84))
    for shelf in range(3):
        y = height * 0.16 + shelf * 174 * unit + 132 * unit
        for index in range(5):
            tall = unit * scene.rng.uniform(90, 124)
            colour = scene.rng.choice(books)
            ink.shape(box(x + index * wide / 5, y - tall, wide / 5 - 5, tall), colour, width=0)
        ink.shape(box(x - 12, y, wide + 24, 18), wood, width=0)


def _window(scene: _Scene, place: tuple[float, float, float, float], wood: Colour) -> None:
    """A window at `place`: left, top, width, height."""
    ink = scene.ink
    x, y, wide, tall = place
    ink.shape(box(x - 16, y - 16, wide + 32, tall + 32), wood, width=0)
    ink.shape(box(x, y, wide, tall / 2), (134, 204, 252), width=0)
    ink.shape(box(x, y + tall / 2, wide, tall / 2), (196, 232, 255), width=0)
    ink.shape(box(x + wide / 2 - 7, y, 14, tall), wood, width=0)
    ink.shape(box(x, y + tall / 2 - 7, wide, 14), wood, width=0)


def _snow(scene: _Scene) -> None:
    if scene.time == "day":
        scene.ink.gradient(0, scene.height, (164, 198, 230), (230, 241, 250))
    for index, place in enumerate((0.05, 0.2, 0.82, 0.96)):
        x = scene.width * place + scene.near(0, 14)
        y = scene.height * (0.75 + 0.04 * (index % 2))
        _fir(scene, x, y, scene.unit * (1.0 + 0.25 * (index % 2)))
    _hill(scene, 0.74, (246, 250, 255))
    for _ in range(round(36 * scene.width * scene.height / 2**20)):
        size = scene.rng.choice((11, 14, 17))
        x, y = scene.rng.random() * scene.width, scene.rng.random() * scene.height
        scene.ink.oval(x, y, size, size, mix(scene.tinted((255, 255, 255)), (255, 255, 255), 0.6))


def _fir(scene: _Scene, x: float, y: float, unit: float) -> None:
    for tier in range(3):
        peak, foot = y + (-430 + tier * 110) * unit, y + (-250 + tier * 110) * unit
        half = (84 + 34 * tier) * unit
        tree: Path = ((x, peak), (x + half, foot), (x - half, foot))
        scene.ink.shape(tree, scene.tinted((70, 124, 122)), width=0)
        cap = 100 * unit
        white: Path = (
            (x, peak), (x + half * 0.6, peak + cap), (x, peak + cap * 0.8),
            (x - half * 0.6, peak + cap),
        )  # fmt: skip
        scene.ink.shape(white, scene.tinted((250, 252, 255)), width=0)


def _cherry_blossoms(scene: _Scene) -> None:
    width, height, unit = scene.width, scene.height, scene.unit
    _hill(scene, 0.8, (156, 210, 124), wave=30)
    for x in (width * 0.04, width * 0.97):
        trunk: Path = (
            (x - 44, height),
            (x - 26, height * 0.2),
            (x + 26, height * 0.2),
            (x + 44, height),
        )
        scene.ink.shape(trunk, scene.tinted((118, 80, 78)), width=0)
    pinks: tuple[Colour, ...] = ((252, 178, 206), (255, 198, 220), (246, 162, 196))
    crowns = (
        (0.0, 0.1, 200), (0.16, 0.04, 170), (0.32, -0.01, 140), (0.02, 0.3, 150), (0.7, -0.01, 140),
        (0.86, 0.05, 180), (1.0, 0.13, 200), (0.98, 0.33, 150), (0.5, -0.04, 120),
    )  # fmt: skip
    for index, (across, down, size) in enumerate(crowns):
        x, y = width * across + scene.near(0, 12), height * down + scene.near(0, 12)
        colour = scene.tinted(pinks[index % 3])
        scene.ink.oval(x, y, size * unit, size * unit * 0.8, colour)
    for _ in range(round(26 * width * height / 2**20)):
        x, y = scene.rng.random() * width, height * scene.rng.uniform(0.25, 1)
        scene.ink.oval(x, y, 17, 11, scene.tinted((255, 176, 206)))


_PLACES = {
    "outdoors": _outdoors,
    "beach": _beach,
    "forest": _forest,
    "city": _city,
    "snow": _snow,
    "cherry blossoms": _cherry_blossoms,
}
