"""Measures a page in Chromium: the contrast of text as drawn, and the size of what is pressed."""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

MIN_CONTRAST: Final = 4.5  # WCAG 2.2, 1.4.3
MIN_TARGET: Final = 24  # CSS pixels, WCAG 2.2, 2.5.8

_TEXTS: Final = """() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const add = (element, words, box, style) => {
    const x = Math.max(box.left, 0), y = Math.max(box.top, 0);
    const width = Math.min(box.right, innerWidth) - x;
    const height = Math.min(box.bottom, innerHeight) - y;
    if (width < 2 || height < 2) return;
    const free = [[.5, .5], [.02, .1], [.98, .1], [.02, .9], [.98, .9]].every(([across, down]) => {
      const seen = document.elementFromPoint(x + across * width, y + down * height);
      return seen && (element.contains(seen) || seen.contains(element));
    });
    if (!free) return; // something lies over it
    found.push({ words, x, y, width, height, color: style.color });
  };
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement, words = node.textContent.trim();
    if (!words || element.closest(".hidden, .skip, option, script, style")) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) add(element, words, box, getComputedStyle(element));
  }
  for (const field of document.querySelectorAll("select, input[type=search]")) {
    const shown = field.placeholder && !field.value ? "::placeholder" : null;
    const box = field.getBoundingClientRect(), style = getComputedStyle(field);
    const left = box.left + parseFloat(style.paddingLeft);
    const right = box.right - parseFloat(style.paddingRight);
    add(field, field.placeholder || field.value, { left, right, top: box.top + 8,
      bottom: box.bottom - 8 }, getComputedStyle(field, shown));
  }
  return found;
}"""
_WITHOUT_TEXT: Final = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`*, ::placeholder { color: transparent !important; }
    *, ::before, ::after {
      transition: none !important; text-decoration-color: transparent !important; }
    svg, kbd { visibility: hidden; }`);
  document.adoptedStyleSheets = [sheet];
}"""
_TARGETS: Final = """() => [...document.querySelectorAll(
    "a[href], button, select, input:not([type=hidden]), summary")]
  .filter(each => each.checkVisibility({ visibilityProperty: true }) && !each.matches(".skip"))
  .map(each => ({ words: (each.textContent.trim() || each.ariaLabel || each.name).slice(0, 40),
    width: each.getBoundingClientRect().width, height: each.getBoundingClientRect().height }))"""
_WHITE: Final = """() => { for (const image of document.querySelectorAll("main img")) {
  image.style.visibility = "hidden"; image.parentElement.style.background = "#fff"; } }"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A piece of text in the window, with its contrast to the worst pixel behind it."""

    words: str
    contrast: float


def whiten(page: "Page") -> None:
    """Make all pictures white, the worst ground for white text."""
    page.evaluate(_WHITE)


def contrasts(page: "Page") -> list[Measured]:
    """All text that is in the window now. The page has no text to see afterwards."""
    texts: list[dict[str, Any]] = page.evaluate(_TEXTS)
    page.evaluate(_WITHOUT_TEXT)
    shot = Image.open(io.BytesIO(page.screenshot(scale="css"))).convert("RGB")
    pixels = np.asarray(shot, dtype=np.float64)  # (height, width, 3), 0..255
    return [_measured(text, pixels) for text in texts]


def small_targets(page: "Page") -> list[tuple[str, float, float]]:
    """(Words, width, height) of what can be pressed and is too small."""
    found: list[dict[str, Any]] = page.evaluate(_TARGETS)
    assert found
    return [
        (each["words"], each["width"], each["height"])
        for each in found
        if min(each["width"], each["height"]) < MIN_TARGET - 0.01
    ]


def _measured(text: dict[str, Any], pixels: "np.ndarray[Any, Any]") -> Measured:
    left, top = int(text["x"]), int(text["y"])
    right, bottom = int(text["x"] + text["width"]) + 1, int(text["y"] + text["height"]) + 1
    behind = _luminance(pixels[top:bottom, left:right].reshape(-1, 3))
    colour = np.array([[float(part) for part in _parts(text["color"])[:3]]])
    own = _luminance(colour)[0]
    lighter, darker = np.maximum(behind, own), np.minimum(behind, own)
    return Measured(
        words=text["words"][:40], contrast=float(((lighter + 0.05) / (darker + 0.05)).min())
    )


def _parts(colour: str) -> list[str]:
    """Of `rgb(1, 2, 3)`. AssertionError for one that is not opaque."""
    parts = colour.removeprefix("rgb(").removesuffix(")").split(", ")
    assert len(parts) == 3, f"{colour} lets through what is behind it"
    return parts


def _luminance(colours: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """Relative luminance of sRGB colours: (n, 3), 0..255 -> (n,), 0..1. WCAG 2.2."""
    scaled = colours / 255
    linear = np.where(scaled <= 0.04045, scaled / 12.92, ((scaled + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])
