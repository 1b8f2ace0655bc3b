"""Small plots as SVG: lines over one axis, with a scale, readable in light and dark pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

COLOURS: Final = ("#2563eb", "#d97706", "#059669", "#dc2626")
_WIDTH, _HEIGHT = 760, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 54, 40
_LEGEND = 120  # from one name to the next

At = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Line:
    """`points`: (x, y) in order. A line breaks where x goes back or y is None."""

    name: str
    points: Sequence[tuple[float, float | None]]


def plot(title: str, lines: Sequence[Line], *, x: str, y: str, marks: Sequence[float] = ()) -> str:
    """An SVG document. `marks`: vertical lines at these x."""
    known = [(a, b) for line in lines for a, b in line.points if b is not None]
    most_x = max((a for a, _ in known), default=1.0) or 1.0
    step = step_of(max((b for _, b in known), default=1.0) or 1.0)
    most_y = step * (int(max((b for _, b in known), default=1.0) / step) + 1)

    def at(a: float, b: float) -> tuple[float, float]:
        across = _LEFT + a / most_x * (_WIDTH - _LEFT - _RIGHT)
        return across, _HEIGHT - _BOTTOM - b / most_y * (_HEIGHT - _TOP - _BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' aria-label="{escape(title)}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 18, title, weight="bold"),
    ]
    for number in range(round(most_y / step) + 1):
        _, height = at(0, number * step)
        parts.append(
            f'<path d="M{_LEFT} {height:.1f}H{_WIDTH - _RIGHT}" stroke="#d4d4d8" fill="none"/>'
        )
        parts.append(_text(_LEFT - 6, height + 4, short(number * step), anchor="end"))
    for each in marks:
        across, _ = at(each, 0)
        parts.append(
            f'<path d="M{across:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#a1a1aa"'
            ' stroke-dasharray="2 4" fill="none"/>'
        )
    step_x = step_of(most_x)
    for number in range(int(most_x / step_x) + 1):
        across, _ = at(number * step_x, 0)
        parts.append(_text(across, _HEIGHT - _BOTTOM + 16, short(number * step_x), anchor="middle"))
    parts.append(_text(_WIDTH - _RIGHT, _HEIGHT - 6, x, anchor="end"))
    parts.append(_text(8, 38, y))
    for number, line in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        path = _path(line.points, at)
        parts.append(
            f'<path d="{path}" stroke="{colour}" stroke-width="1.8"'
            ' stroke-linecap="round" fill="none"/>'
        )
        across = _LEFT + _LEGEND * number
        parts.append(f'<rect x="{across}" y="29" width="12" height="10" fill="{colour}"/>')
        parts.append(_text(across + 17, 38, line.name))
    return "\n".join([*parts, "</svg>", ""])


def _path(points: Sequence[tuple[float, float | None]], at: At) -> str:
    found: list[str] = []
    pen, last = "M", float("-inf")
    for a, b in points:
        if b is None:
            pen = "M"
            continue
        across, height = at(a, b)
        found.append(f"{'M' if a < last else pen}{across:.1f} {height:.1f}")
        found.append("h0" if pen == "M" else "")  # a dot, if it stays alone
        pen, last = "L", a
    return "".join(found)


def step_of(most: float) -> float:
    """A round distance of lines: four to nine of them."""
    step = 10.0 ** len(str(int(most))) if most >= 1 else 1.0
    while most / step < 4:
        for factor in (2.0, 2.5, 2.0):
            step /= factor
            if most / step >= 4:
                break
    return step


def short(number: float) -> str:
    """12000 as 12k."""
    if number >= 10_000:
        return f"{number / 1000:g}k"
    return f"{number:g}"


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
        f' fill="#27272a">{escape(text)}</text>'
    )
