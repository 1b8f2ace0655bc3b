"""ComfyUI's graph: JSON in the PNG text `prompt`. The sampler's inputs are followed to their texts,
sizes and settings.
"""

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final

from pipeline.metadata.bounds import as_integer, as_list, as_number, as_text, parse_size
from pipeline.metadata.comfy_extras import extras
from pipeline.metadata.comfy_graph import Graph, Node, parse_graph
from pipeline.metadata.comfy_text import Side, Texts
from pipeline.metadata.parameters import LeftOut, Parameters
from pipeline.metadata.samplers import choose_sampler

_MADE_OF: Final = frozenset({"samples", "pixels", "image", "images", "latent", "latents"})
_NO_SETTINGS: Final = frozenset(
    {"positive", "negative", "conditioning", "latent_image", "clip", "vae", "mask", "model",
     "image_opt", *_MADE_OF}
)  # fmt: skip
_NO_SIZE: Final = frozenset({"positive", "negative", "conditioning", "clip", "vae", "model"})
_SIZE_TEXTS: Final = ("resolution", "dimensions", "size")
_SHOWN: Final = ("steps", "sampler_name", "scheduler", "cfg", "seed", "denoise", "ckpt_name")


def read(prompt: str) -> Parameters | None:
    """The graph's first sampler with its inputs; None if it isn't ComfyUI's or has none."""
    graph = parse_graph(prompt)
    sampler = None if graph is None else _sampler(graph)
    if graph is None or sampler is None:
        return None
    found = _settings(graph, sampler)
    name, schedule = as_text(found["sampler_name"]), as_text(found["scheduler"])
    width, height, _ = _size(graph, sampler)
    text = _prompt(graph, sampler, "positive")
    left_out = dict(extras(graph, sampler, others=_samplers(graph)))
    if not text:
        left_out[LeftOut.PROMPT] = ()
    return Parameters(
        prompt=text,
        negative_prompt=_prompt(graph, sampler, "negative"),
        num_inference_steps=as_integer(found["steps"]),
        sampler=choose_sampler(name, schedule).sampler,
        sampler_name=name,
        schedule_type=schedule,
        guidance_scale=as_number(found["cfg"]),
        seed=as_integer(found["seed"]),
        width=width,
        height=height,
        model_name=as_text(found["ckpt_name"]),
        pairs=MappingProxyType({n: str(found[n])[:100] for n in _SHOWN if found[n] is not None}),
        left_out=MappingProxyType(left_out),
    )


def _settings(graph: Graph, sampler: Node) -> dict[str, object]:
    """The sampler's own settings, or those of the nodes that only hold settings for it."""
    found: dict[str, object] = {
        name: graph.setting(sampler, *names, besides=_NO_SETTINGS)
        for name, names in {
            "steps": ("steps", "steps_total"),
            "sampler_name": ("sampler_name",),
            "scheduler": ("scheduler",),
            "cfg": ("cfg",),
            "seed": ("noise_seed", "seed"),
            "denoise": ("denoise",),
        }.items()
    }
    names = ("ckpt_name", "base_ckpt_name", "unet_name")
    return found | {"ckpt_name": graph.setting(sampler, *names, besides=frozenset())}


def _prompt(graph: Graph, sampler: Node, side: Side) -> str:
    """The text of one side, through a guider or a pipe where the sampler has one."""
    source = graph.behind(sampler.inputs.get("guider")) or sampler
    names = ("positive", "conditioning", "cond1") if side == "positive" else ("negative",)
    value = next((source.inputs[name] for name in names if source.inputs.get(name)), None)
    return Texts(graph).of(source.pipe() if value is None else value, side)


def _samplers(graph: Graph) -> list[Node]:
    """Those that a saved picture is made from, or all."""
    every = [node for node in graph.nodes.values() if _is_sampler(node)]
    saved = [node for node in graph.nodes.values() if "save" in node.kind]
    feeding = {each.id for node in saved for each in graph.upstream(*node.links().values())
               } if len(saved) <= 20 else set[str]()  # fmt: skip
    return [node for node in every if node.id in feeding] or every


def _sampler(graph: Graph) -> Node | None:
    """The sampler that starts from an empty picture, otherwise the first one."""
    samplers = _samplers(graph)
    begins = (node for node in samplers[:50] if _size(graph, node)[2])
    return next(begins, samplers[0] if samplers else None)


def _is_sampler(node: Node) -> bool:
    inputs = node.inputs
    if "guider" in inputs and "sampler" in inputs:
        return True
    conditioned = "positive" in inputs or node.pipe() is not None
    return conditioned and ("steps" in inputs or "sigmas" in inputs)


def _size(graph: Graph, sampler: Node) -> tuple[int | None, int | None, bool]:
    """Width and height of the sampler's picture, in pixels, and whether it is empty, which means
    not made from another one."""
    latent = sampler.inputs.get("latent_image")
    for node in _before(graph, sampler.pipe() if latent is None else latent):
        size = _size_of(graph, node)
        if size is not None:
            return *size, not any(as_list(node.inputs.get(name)) for name in _MADE_OF)
    return None, None, False


def _before(graph: Graph, start: object) -> Iterator[Node]:
    """The nodes behind a latent, up to the sampler that made it."""
    for node in graph.upstream(start, besides=_NO_SIZE):
        if _is_sampler(node) and as_list(node.inputs.get("latent_image")):
            return
        yield node


def _size_of(graph: Graph, node: Node) -> tuple[int, int] | None:
    for prefix in ("", "empty_latent_"):
        names = (f"{prefix}width", f"{prefix}height")
        width, height = (as_integer(graph.scalar(node.inputs.get(n), n)) for n in names)
        if width is not None and height is not None and width > 0 and height > 0:
            return width, height
    texts = (parse_size(as_text(node.inputs.get(name))) for name in _SIZE_TEXTS)
    return next((size for size in texts if size is not None), None)
