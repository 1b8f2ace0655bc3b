"""What a ComfyUI graph uses besides prompts and settings and can't be repeated here."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipeline.metadata.bounds import as_list, as_object, as_text, names_of
from pipeline.metadata.comfy_graph import Graph, Node
from pipeline.metadata.parameters import LeftOut

_LORA = re.compile(r"lora(?:_name)?(?:_\d{1,2})?(?:_name)?", re.IGNORECASE)
_KINDS: Final = (
    (LeftOut.CONTROL, re.compile(r"controlnet|control_net|t2iadapter")),
    (LeftOut.REFERENCE, re.compile(r"ipadapter|unclip|stylemodel|instantid|pulid|photomaker")),
    (LeftOut.REGION, re.compile(r"conditioningset(?:area|mask)|regional|couple")),
    (LeftOut.COMBINED, re.compile(r"conditioning(?:combine|average)")),
)
_LATENTS: Final = frozenset({"positive", "negative", "conditioning", "clip", "vae", "model"})


def extras(
    graph: Graph, sampler: Node, *, others: Sequence[Node]
) -> Iterator[tuple[LeftOut, tuple[str, ...]]]:
    """Each kind with its names. `others` are all samplers of the picture."""
    nodes = [sampler, *graph.upstream(*sampler.links().values())]
    loras = names_of(name for node in nodes for name in _loras(node))
    if loras:
        yield LeftOut.LORA, loras
    for kind, pattern in _KINDS:
        if any(pattern.search(node.kind) for node in nodes):
            models = (node.inputs.get("control_net_name") for node in nodes)
            yield kind, names_of(models) if kind is LeftOut.CONTROL else ()
    if any("loadimage" in node.kind for node in _pictures(graph, sampler)):
        yield LeftOut.INIT_PICTURE, ()
    if any(node.id != sampler.id for node in others):
        yield LeftOut.REFINED, ()


def _pictures(graph: Graph, sampler: Node) -> Iterator[Node]:
    return graph.upstream(sampler.inputs.get("latent_image"), besides=_LATENTS)


def _loras(node: Node) -> Iterator[object]:
    for name, value in node.inputs.items():
        if not _LORA.fullmatch(name[:30]) or as_list(value):
            continue
        slot = as_object(value)  # rgthree's list: {"on": true, "lora": ..., "strength": ...}
        if slot is not None:
            yield slot.get("lora") if slot.get("on") is not False else None
        elif as_text(value) not in {"", "None"} and not _is_off(node, name):
            yield value


def _is_off(node: Node, name: str) -> bool:
    number = re.search(r"\d+", name)
    return number is not None and node.inputs.get(f"switch_{number[0]}") == "Off"
