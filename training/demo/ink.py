# pyright: reportUnknownMemberType=false, reportAttributeAccessIssue=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# (the only file that touches skia, whose types are partly missing)
"""Flat, outlined vector shapes in the manner of cel drawings, over skia.

A path is a tuple of steps: the first is where it begins; then 2 numbers are a line, 4 a quadratic
curve, 6 a cubic one. Colours are (red, green, blue), 0 to 255. Lengths are pixels of the full-size
picture; the canvas scales them.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import numpy as np
import skia  # pyright: ignore[reportMissingImports] - of the `train` extra
from numpy.typing import NDArray

Colour: TypeAlias = tuple[float, float, float]
Step: TypeAlias = tuple[float, ...]
Path: TypeAlias = tuple[Step, ...]

OUTLINE = 8.0
"""Width of an outline: one pixel of the 1/8-scale picture that latents are made of."""

_BROADEST_STROKE = 30.0


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` (0 to 1) of `second`."""
    red, green, blue = (a + (b - a) * share for a, b in zip(first, second, strict=True))
    return red, green, blue


def dark(colour: Colour, share: float = 0.35) -> Colour:
    """Shaded, towards a warm violet as in cel painting."""
    return mix(colour, (40, 20, 60), share)


def light(colour: Colour, share: float = 0.4) -> Colour:
    """Lit, towards white."""
    return mix(colour, (255, 255, 255), share)


class Palette(Protocol):
    """A style: what becomes of the colours and widths that a drawing asks for."""

    def fill(self, colour: Colour) -> Colour:
        """The colour of a form."""
        ...

    def stroke(self, colour: Colour) -> Colour:
        """The colour of an outline or an open stroke."""
        ...

    def width(self, width: float) -> float:
        """The width of an outline (0: none) or an open stroke."""
        ...


class Plain:
    """Everything as asked for."""

    def fill(self, colour: Colour) -> Colour:
        return colour

    def stroke(self, colour: Colour) -> Colour:
        return colour

    def width(self, width: float) -> float:
        return width


class Ink:
    """A pen and brush on one canvas. `palette` is the style of what is drawn from now on."""

    def __init__(self, canvas: Any, palette: Palette | None = None) -> None:
        self._canvas = canvas
        self.palette: Palette = palette or Plain()

    def shape(
        self,
        path: Path,
        fill: Colour,
        *,
        edge: Colour | None = None,
        width: float = OUTLINE,
        alpha: float = 1.0,
    ) -> None:
        """A closed form with its outline (`width=0`: none; `edge=None`: the fill, darkened)."""
        drawn = _path(path, close=True)
        self._canvas.drawPath(drawn, self._brush(fill, alpha))
        if wide := self.palette.width(width):
            self._canvas.drawPath(drawn, self._pen(edge or dark(fill, 0.6), wide))

    def both(self, path: Path, fill: Colour, *, width: float = OUTLINE) -> None:
        """A form and its mirror image about x = 0."""
        self.shape(path, fill, width=width)
        self.shape(mirrored(path), fill, width=width)

    def line(self, path: Path, colour: Colour, width: float, *, alpha: float = 1.0) -> None:
        """An open stroke with round ends. A broad one is a form as far as the style goes."""
        if width > _BROADEST_STROKE:
            pen = _pen(self.palette.fill(colour), width, alpha)
        else:
            pen = self._pen(colour, self.palette.width(width), alpha)
        self._canvas.drawPath(_path(path, close=False), pen)

    def oval(
        self,
        x: float,
        y: float,
        across: float,
        down: float,
        fill: Colour,
        *,
        edge: Colour | None = None,
        width: float = 0.0,
        alpha: float = 1.0,
    ) -> None:
        """An ellipse around (x, y) with half axes `across` and `down`."""
        box = skia.Rect(x - across, y - down, x + across, y + down)
        self._canvas.drawOval(box, self._brush(fill, alpha))
        if wide := self.palette.width(width):
            self._canvas.drawOval(box, self._pen(edge or dark(fill, 0.6), wide))

    def rounded(
        self, box: tuple[float, float, float, float], radius: float, colour: Colour, *, width: float
    ) -> None:
        """A box (left, top, right, bottom) with round corners: filled if `width` is 0, else
        drawn.
        """
        wide = self.palette.width(width)
        paint = self._pen(colour, wide) if width else self._brush(colour, 1.0)
        self._canvas.drawRoundRect(skia.Rect(*box), radius, radius, paint)

    def gradient(self, top: float, bottom: float, *colours: Colour) -> None:
        """Fill the canvas from `top` down, blending `colours` from there to `bottom`."""
        shader = skia.GradientShader.MakeLinear(
            [(0, top), (0, bottom)], [_colour(self.palette.fill(each), 1.0) for each in colours]
        )
        bounds = self._canvas.getLocalClipBounds()
        bounds.setLTRB(bounds.left(), max(bounds.top(), top), bounds.right(), bounds.bottom())
        self._canvas.drawRect(bounds, skia.Paint(Shader=shader))

    @contextmanager
    def placed(
        self, x: float = 0, y: float = 0, *, scale: float = 1, turn: float = 0, flip: bool = False
    ) -> Generator[None]:
        """Draw about (x, y), scaled, turned by `turn` degrees, mirrored if `flip`."""
        self._canvas.save()
        self._canvas.translate(x, y)
        self._canvas.scale(-scale if flip else scale, scale)
        self._canvas.rotate(turn)
        yield
        self._canvas.restore()

    @contextmanager
    def inside(self, path: Path) -> Generator[None]:
        """Draw only within the closed `path`."""
        self._canvas.save()
        self._canvas.clipPath(_path(path, close=True), skia.ClipOp.kIntersect, True)
        yield
        self._canvas.restore()

    def _brush(self, colour: Colour, alpha: float) -> Any:
        return skia.Paint(Color=_colour(self.palette.fill(colour), alpha), AntiAlias=True)

    def _pen(self, colour: Colour, width: float, alpha: float = 1.0) -> Any:
        return _pen(self.palette.stroke(colour), width, alpha)


def box(x: float, y: float, width: float, height: float) -> Path:
    """A rectangle as a path."""
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def mirrored(path: Path) -> Path:
    """The path on the other side of x = 0."""
    return tuple(
        tuple(-value if index % 2 == 0 else value for index, value in enumerate(step))
        for step in path
    )


@contextmanager
def canvas(width: int, height: int, *, scale: float) -> Generator[tuple[Ink, NDArray[np.uint8]]]:
    """A pen on a picture of width x height pixels, stored at `scale`: (rows, columns, RGBA)
    uint8.
    """
    pixels = np.empty((round(height * scale), round(width * scale), 4), np.uint8)
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType)
    with surface as drawn:
        drawn.scale(scale, scale)
        yield Ink(drawn), pixels


def _colour(colour: Colour, alpha: float) -> int:
    red, green, blue = (max(0, min(255, round(value))) for value in colour)
    return skia.Color(red, green, blue, round(255 * alpha))


def _pen(colour: Colour, width: float, alpha: float) -> Any:
    return skia.Paint(
        Color=_colour(colour, alpha),
        AntiAlias=True,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )


def _path(steps: Path, *, close: bool) -> Any:
    path = skia.Path()
    path.moveTo(*steps[0])
    draw = {2: path.lineTo, 4: path.quadTo, 6: path.cubicTo}
    for step in steps[1:]:
        draw[len(step)](*step)
    if close:
        path.close()
    return path
