"""ComfyUI's graph: JSON in the PNG text `prompt`. The sampler's inputs are followed to their texts.

A node is `{"class_type": ..., "inputs": {name: value or [node id, output]}}`.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Final

from pipeline.metadata.bounds import (
    as_integer,
    as_list,
    as_number,
    as_object,
    as_text,
    parse_object,
    sampler_of,
)
from pipeline.pngtext import Parameters

_MAX_NODES: Final = 2000
_MAX_VISITS: Final = 200  # nodes looked at for one value
_MAX_LINKS: Final = 2000  # links followed for one value
_VALUE_NAMES: Final = ("value", "text", "string", "int", "float", "seed", "noise_seed", "number")
_TEXT_NAMES: Final = ("text", "text_g", "text_l", "prompt", "string", "value", "wildcard_text")
_EMBEDDING = re.compile(r"\bembedding:\S{1,100}")


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the graph."""

    kind: str
    inputs: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes by their ids."""

    nodes: Mapping[str, Node]

    def behind(self, value: object) -> Node | None:
        """The node that a link leads to."""
        link = as_list(value)
        return self.nodes.get(str(link[0])[:100]) if link else None

    def upstream(self, *starts: object) -> Iterator[Node]:
        """The nodes that feed `starts` (links), nearest first, each once."""
        waiting, seen = deque(starts), set[int]()
        for _ in range(_MAX_LINKS):
            if not waiting or len(seen) >= _MAX_VISITS:
                return
            node = self.behind(waiting.popleft())
            if node is None or id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            links = (value for value in node.inputs.values() if as_list(value))
            waiting.extend(islice(links, _MAX_LINKS))

    def plain(self, value: object) -> object:
        """`value`, or the one that the linked node holds."""
        for node in self.upstream(value):
            for name in _VALUE_NAMES:
                if isinstance(node.inputs.get(name), str | int | float):
                    return node.inputs[name]
        return None if isinstance(value, list) else value

    def text(self, value: object) -> str:
        """The text that a conditioning (a link) was made from: the nearest one."""
        for node in self.upstream(value):
            texts = [node.inputs[n] for n in _TEXT_NAMES if as_text(node.inputs.get(n)).strip()]
            if texts:
                unlike = dict.fromkeys(as_text(text).strip() for text in texts)
                return _EMBEDDING.sub("", ", ".join(unlike)).strip(" ,")
        return ""

    def input_upstream(self, start: Node, name: str) -> object:
        """The nearest input `name` at `start` or before it."""
        if name in start.inputs:
            return self.plain(start.inputs[name])
        for node in self.upstream(*islice(start.inputs.values(), _MAX_LINKS)):
            if name in node.inputs:
                return self.plain(node.inputs[name])
        return None


def read(prompt: str) -> Parameters | None:
    """What the graph says of its first sampler; None where it isn't ComfyUI's or has none."""
    graph = _graph(prompt)
    sampler = None if graph is None else _sampler(graph)
    if graph is None or sampler is None:
        return None
    guider = graph.behind(sampler.inputs.get("guider")) or sampler
    positive = guider.inputs.get("positive") or guider.inputs.get("conditioning")
    seed = graph.input_upstream(sampler, "seed")
    if seed is None:
        seed = graph.input_upstream(sampler, "noise_seed")
    name = as_text(graph.input_upstream(sampler, "sampler_name"))
    width, height = _size(graph, sampler)
    return Parameters(
        prompt=graph.text(positive),
        negative_prompt=graph.text(guider.inputs.get("negative")),
        num_inference_steps=as_integer(graph.input_upstream(sampler, "steps")),
        sampler=sampler_of(name),
        sampler_name=name,
        schedule_type=as_text(graph.input_upstream(sampler, "scheduler")),
        guidance_scale=as_number(graph.input_upstream(guider, "cfg")),
        seed=as_integer(seed),
        width=width,
        height=height,
        model_name=as_text(graph.input_upstream(sampler, "ckpt_name")),
        pairs=MappingProxyType(_pairs(graph, sampler)),
    )


def _graph(prompt: str) -> Graph | None:
    found = parse_object(prompt)
    if found is None or len(found) > _MAX_NODES:
        return None
    nodes: dict[str, Node] = {}
    for key, value in found.items():
        node = as_object(value) or {}
        kind, inputs = as_text(node.get("class_type")), as_object(node.get("inputs"))
        if kind and inputs is not None:
            nodes[key] = Node(kind, inputs)
    return Graph(nodes) if nodes else None


def _sampler(graph: Graph) -> Node | None:
    """The sampler that begins from an empty picture, else the first one."""
    samplers = [node for node in graph.nodes.values() if _is_sampler(node)]
    for node in samplers:
        if None not in _size(graph, node):
            return node
    return samplers[0] if samplers else None


def _is_sampler(node: Node) -> bool:
    conditioned = "positive" in node.inputs and ("steps" in node.inputs or "sigmas" in node.inputs)
    return conditioned or ("guider" in node.inputs and "sampler" in node.inputs)


def _size(graph: Graph, sampler: Node) -> tuple[int | None, int | None]:
    """Width and height of the nearest empty picture before the sampler, in pixels."""
    for node in graph.upstream(sampler.inputs.get("latent_image")):
        if _is_sampler(node):
            return None, None
        width, height = (graph.plain(node.inputs.get(name)) for name in ("width", "height"))
        if as_integer(width) is not None and as_integer(height) is not None:
            return as_integer(width), as_integer(height)
    return None, None


def _pairs(graph: Graph, sampler: Node) -> dict[str, str]:
    names = ("steps", "sampler_name", "scheduler", "cfg", "seed", "noise_seed", "denoise",
             "ckpt_name")  # fmt: skip
    found = {name: graph.input_upstream(sampler, name) for name in names}
    return {name: str(value)[:100] for name, value in found.items()
            if isinstance(value, str | int | float)}  # fmt: skip
