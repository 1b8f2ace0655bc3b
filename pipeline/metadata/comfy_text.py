"""Reads a prompt of a ComfyUI graph by following links to its source texts."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Literal

from pipeline.metadata.bounds import as_integer, as_list, as_text
from pipeline.metadata.comfy_graph import Graph, Node

Side = Literal["positive", "negative"]

_MAX_TEXT: Final = 64 * 1024  # characters of one text
_MAX_READ: Final = 500  # nodes read for one prompt
_MAX_DEPTH: Final = 60  # nodes in a row
_MAX_PARTS: Final = 64  # texts that one node joins
_MAX_REPLACED: Final = 8 * 1024  # characters in which a node replaces words
_TEXT_NAME = re.compile(
    r"(?:input_?)?(?:text|string|str|prompt|clip_[gl]|t5xxl|value|wildcard_text|part)"
    r"[ _-]?(?:[a-h]|[gl]|\d{1,2}|positive|negative)?",
    re.IGNORECASE,
)
_CONDITIONING = re.compile(r"cond(?:itioning)?(?:[_ ]?(?:\d{1,2}|to|from|[a-h]))?", re.IGNORECASE)
_JOINS = re.compile(r"concat|join|combine|append|merge|stringfunction")
_NO_TEXT: Final = frozenset(
    {"model", "clip", "vae", "image", "images", "pixels", "latent_image", "latent", "samples",
     "mask", "control_net", "noise", "sigmas", "clip_vision_output", "style_model"}
)  # fmt: skip


@dataclass(slots=True)
class Texts:
    """Reads the texts of one graph. Each node is read once; cycles give nothing."""

    graph: Graph
    _known: dict[tuple[str, object, Side], str] = field(
        default_factory=dict[tuple[str, object, Side], str]
    )

    def of(self, value: object, side: Side, depth: int = 0) -> str:
        """The text that `value` is or that the linked node makes; "" if there is none."""
        if isinstance(value, str):
            return value.strip()[:_MAX_TEXT]
        node = self.graph.behind(value)
        if node is None or depth > _MAX_DEPTH or len(self._known) >= _MAX_READ:
            return ""
        slot = as_list(value)[1] if len(as_list(value)) > 1 else 0
        slot = slot if isinstance(slot, int) else 0
        key = (node.id, slot, side)
        if key not in self._known:
            self._known[key] = ""
            self._known[key] = self._read(node, slot, side, depth + 1)[:_MAX_TEXT]
        return self._known[key]

    def _read(self, node: Node, slot: int, side: Side, depth: int) -> str:
        if "zeroout" in node.kind:
            return ""
        if "populated_text" in node.inputs:  # Impact's wildcards: what was drawn, not the template
            drawn = self.of(node.inputs["populated_text"], side, depth)
            return drawn or self.of(node.inputs.get("wildcard_text"), side, depth)
        if "positive" in node.inputs and "negative" in node.inputs:
            return self.of(node.inputs[side], side, depth)
        conditionings = self._all(node, _named(node, _CONDITIONING, side), side, depth)
        if conditionings:
            return _joined(conditionings, " BREAK " if "concat" in node.kind else ", ")
        names = list(_named(node, _TEXT_NAME, side))
        if not names:
            return self._passed(node, side, depth)
        return self._text(node, names, slot, side, depth)

    def _text(self, node: Node, names: list[str], slot: int, side: Side, depth: int) -> str:
        if {"find", "replace"} <= node.inputs.keys():
            return self._replaced(node, names[0], side, depth)
        delimiter = _delimiter(node)
        if delimiter is not None or _JOINS.search(node.kind):
            glue = ", " if delimiter is None else delimiter
            return _joined(self._all(node, names, side, depth), glue)
        texts = self._all(node, names, side, depth)
        if "encode" in node.kind:
            return _joined(dict.fromkeys(texts), ", ")  # SDXL has two encoders, often one text
        if len(names) > 1 and 0 < slot < len(names):  # a text for each output
            return self.of(node.inputs[names[slot]], side, depth)
        return texts[0] if texts else ""

    def _replaced(self, node: Node, name: str, side: Side, depth: int) -> str:
        text = self.of(node.inputs[name], side, depth)[:_MAX_REPLACED]
        find, new = (self.of(node.inputs[key], side, depth)[:200] for key in ("find", "replace"))
        return text.replace(find, new) if find else text

    def _passed(self, node: Node, side: Side, depth: int) -> str:
        """What passes through a node without texts, such as the chosen input of a switch."""
        chosen = as_integer(self.graph.scalar(node.inputs.get("select"), "select"))
        if chosen is not None and f"input{chosen}" in node.inputs:
            return self.of(node.inputs[f"input{chosen}"], side, depth)
        return next(iter(self._all(node, node.links(besides=_NO_TEXT), side, depth)), "")

    def _all(self, node: Node, names: Iterable[str], side: Side, depth: int) -> list[str]:
        found = (self.of(node.inputs[name], side, depth) for name in islice(names, _MAX_PARTS))
        return [text for text in found if text]


def _named(node: Node, pattern: re.Pattern[str], side: Side) -> Iterator[str]:
    """Inputs with matching names, in order, without those of the other side."""
    other = "neg" if side == "positive" else "pos"
    for name, value in node.inputs.items():
        fits = pattern.fullmatch(name[:50]) and other not in name.casefold()
        if fits and (as_text(value).strip() or as_list(value)):
            yield name


def _delimiter(node: Node) -> str | None:
    for name in ("delimiter", "separator"):
        value = node.inputs.get(name)
        if isinstance(value, str):
            return value[:20].replace("\\n", "\n").replace("\\t", " ")
    return None


def _joined(texts: Iterable[str], glue: str) -> str:
    """Joined up to the bound, so that a graph that repeatedly doubles its text stays small."""
    whole = ""
    for text in texts:
        whole = f"{whole}{glue}{text}" if whole else text
        if len(whole) > _MAX_TEXT:
            break
    return whole[:_MAX_TEXT]
