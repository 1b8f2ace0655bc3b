"""ComfyUI's graph: nodes `{"class_type": ..., "inputs": {name: value or [node id, output]}}`.

All traversal is bounded: graphs come from anybody, may be huge and contain cycles.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pipeline.metadata.bounds import as_list, as_object, as_text, parse_object

_MAX_NODES: Final = 2000
_MAX_VISITS: Final = 300  # nodes looked at for one question
_MAX_LINKS: Final = 2000  # links followed for one question
_MAX_CHAIN: Final = 30  # nodes that pass one value on
_VALUE_NAMES: Final = ("value", "int", "float", "number", "Number", "string", "text")
_PIPE = re.compile(r"(?:pipe|tuple|context|ctx|bus)$", re.IGNORECASE)

Scalar = str | int | float


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the graph. `kind` is in lower case."""

    id: str
    kind: str
    inputs: Mapping[str, object]

    def links(self, *, besides: frozenset[str] = frozenset()) -> dict[str, object]:
        """The inputs that come from other nodes, the first of many."""
        found = ((n, v) for n, v in self.inputs.items() if n not in besides and as_list(v))
        return dict(islice(found, _MAX_LINKS))

    def pipe(self) -> object:
        """The link that combines prompts, model and settings; None if there is none."""
        return next((v for n, v in self.inputs.items() if _PIPE.search(n) and as_list(v)), None)


@dataclass(frozen=True, slots=True)
class Graph:
    """All nodes by their ids."""

    nodes: Mapping[str, Node]

    def behind(self, value: object) -> Node | None:
        """The node that a link leads to."""
        link = as_list(value)
        return self.nodes.get(str(link[0])[:100]) if link else None

    def upstream(self, *starts: object, besides: frozenset[str] = frozenset()) -> Iterator[Node]:
        """The nodes that feed `starts` (links), nearest first, each once; inputs named in `besides`
        are not followed."""
        waiting, seen = deque(starts), set[str]()
        for _ in range(_MAX_LINKS):
            if not waiting or len(seen) >= _MAX_VISITS:
                return
            node = self.behind(waiting.popleft())
            if node is None or node.id in seen:
                continue
            seen.add(node.id)
            yield node
            waiting.extend(node.links(besides=besides).values())

    def scalar(self, value: object, name: str) -> Scalar | None:
        """`value`, or the one that the linked node holds under `name` or as its only one."""
        for _ in range(_MAX_CHAIN):
            if isinstance(value, str | int | float):
                return value
            node = self.behind(value)
            if node is None:
                return None
            value = _held(node, name)
        return None

    def setting(self, node: Node, *names: str, besides: frozenset[str]) -> Scalar | None:
        """The first of the inputs `names` at `node`, else at the nearest node before it."""
        for each in (node, *self.upstream(*node.links(besides=besides).values(), besides=besides)):
            for name in names:
                found = self.scalar(each.inputs.get(name), name)
                if found is not None:
                    return found
        return None


def _held(node: Node, name: str) -> object:
    """The value of a node that makes or passes one; None if that is ambiguous."""
    for each in (name, *_VALUE_NAMES):
        if each in node.inputs:
            return node.inputs[each]
    scalars = [v for v in node.inputs.values() if isinstance(v, str | int | float)]
    links = list(node.links().values())
    if len(scalars) == 1 and not links:
        return scalars[0]
    return links[0] if len(links) == 1 else None


def parse_graph(prompt: str) -> Graph | None:
    """The graph in ComfyUI's API format; None if `prompt` is something else or too large."""
    found = parse_object(prompt)
    if found is None or len(found) > _MAX_NODES:
        return None
    nodes: dict[str, Node] = {}
    for key, value in found.items():
        node = as_object(value) or {}
        kind, inputs = as_text(node.get("class_type")), as_object(node.get("inputs"))
        if kind and inputs is not None:
            nodes[key] = Node(key, kind[:100].casefold(), inputs)
    return Graph(nodes) if nodes else None
