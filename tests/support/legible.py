"""Measures a page in Chromium: the contrast of text as drawn, and the size of what is pressed."""

import io
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

MIN_CONTRAST: Final = 4.5  # WCAG 2.2, 1.4.3
MIN_TARGET: Final = 24  # CSS pixels, WCAG 2.2, 2.5.8
_MOVED_AT_MOST: Final = 20

_TEXTS: Final = """() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const add = (element, words, box, style) => {
    let { left, right, top, bottom } = box;
    for (let over = element; over; over = over.parentElement) { // what is scrolled away is not seen
      if (over.localName !== "html" && getComputedStyle(over).overflow === "visible") continue;
      const whole = { left: 0, right: innerWidth, top: 0, bottom: innerHeight };
      const frame = over.localName === "html" ? whole : over.getBoundingClientRect();
      left = Math.max(left, frame.left);
      right = Math.min(right, frame.right);
      top = Math.max(top, frame.top);
      bottom = Math.min(bottom, frame.bottom);
    }
    const x = left, y = top, width = right - left, height = bottom - top;
    if (width < 3 || height < 3 || element.closest(":disabled")) return; // WCAG exempts disabled
    const free = [[.5, .5], [.02, .1], [.98, .1], [.02, .9], [.98, .9]].every(([across, down]) => {
      const seen = document.elementFromPoint(x + across * width, y + down * height);
      return seen && (element.contains(seen) || seen.contains(element));
    });
    if (!free) return; // something lies over it
    let opacity = 1;
    for (let over = element; over; over = over.parentElement) {
      opacity *= getComputedStyle(over).opacity;
    }
    found.push({ words, x, y, width, height, color: style.color, opacity });
  };
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement, words = node.textContent.trim();
    if (!words || element.closest(".hidden, .skip, option, script, style")) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) add(element, words, box, getComputedStyle(element));
  }
  for (const field of document.querySelectorAll(
    "select, textarea, input:is([type=search], [type=text], :not([type]))")) {
    const shown = field.placeholder && !field.value ? "::placeholder" : null;
    const box = field.getBoundingClientRect(), style = getComputedStyle(field);
    const inset = Math.min(8, box.height / 4);
    const left = box.left + parseFloat(style.paddingLeft);
    const right = box.right - parseFloat(style.paddingRight);
    add(field, field.placeholder || field.value, { left, right, top: box.top + inset,
      bottom: box.bottom - inset }, getComputedStyle(field, shown));
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
_TARGETS: Final = """inline => [...document.querySelectorAll(
    "a[href], button, select, textarea, input:not([type=hidden]), summary, "
    + "[role=option], [role=menuitem], [role=button]")]
  .filter(each => each.checkVisibility({ visibilityProperty: true }) && !each.matches(".skip"))
  .filter(each => !inline || !each.matches(inline))
  .map(each => ({ words: (each.textContent.trim() || each.ariaLabel || each.name).slice(0, 40),
    width: each.getBoundingClientRect().width, height: each.getBoundingClientRect().height }))"""
_WHITE: Final = """() => { for (const image of document.querySelectorAll("main img")) {
  image.style.visibility = "hidden"; image.parentElement.style.background = "#fff"; } }"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A piece of text in the window, with its contrast to the worst pixel behind it."""

    words: str
    contrast: float


def with_text(page: "Page") -> None:
    """Show again what `contrasts` hid."""
    page.evaluate("document.adoptedStyleSheets = []")


def whiten(page: "Page") -> None:
    """Make all pictures white, the worst ground for white text."""
    page.evaluate(_WHITE)


def contrasts(page: "Page") -> list[Measured]:
    """All text that is in the window now. The page has no text to see afterwards.

    What moves meanwhile (a late picture, a message that arrives) is measured again: the text would
    be compared with what stood beside it. So is what looks illegible, in case something moved
    there and back.
    """
    found = _contrasts(page)
    if any(each.contrast < MIN_CONTRAST for each in found):
        with_text(page)
        found = _contrasts(page)
    return found


def _contrasts(page: "Page") -> list[Measured]:
    for _ in range(_MOVED_AT_MOST):
        texts: list[dict[str, Any]] = page.evaluate(_TEXTS)
        page.evaluate(_WITHOUT_TEXT)
        shot = Image.open(io.BytesIO(page.screenshot(scale="css"))).convert("RGB")
        if _boxes(page.evaluate(_TEXTS)) == _boxes(texts):
            pixels = np.asarray(shot, dtype=np.float64)  # (height, width, 3), 0..255
            return [_measured(text, pixels) for text in texts]
        with_text(page)
    raise AssertionError("the page never came to rest")


def small_targets(page: "Page", *, inline: str = "") -> list[tuple[str, float, float]]:
    """(Words, width, height) of what can be pressed and is too small. `inline`: a selector of links
    in sentences, which are as high as their line."""
    found: list[dict[str, Any]] = page.evaluate(_TARGETS, inline)
    assert found
    return [
        (each["words"], each["width"], each["height"])
        for each in found
        if min(each["width"], each["height"]) < MIN_TARGET - 0.01
    ]


def _boxes(texts: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(text[each] for each in ("words", "x", "y", "width", "height")) for text in texts]


def _measured(text: dict[str, Any], pixels: "np.ndarray[Any, Any]") -> Measured:
    left, top = ceil(text["x"]), ceil(text["y"])  # whole pixels of its own, none of a neighbour's
    right, bottom = int(text["x"] + text["width"]), int(text["y"] + text["height"])
    ground = pixels[top:bottom, left:right].reshape(-1, 3)
    colour = np.array([[float(part) for part in _parts(text["color"])[:3]]])
    opacity = float(text["opacity"])
    behind = _luminance(ground)
    own = _luminance(opacity * colour + (1 - opacity) * ground)
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
