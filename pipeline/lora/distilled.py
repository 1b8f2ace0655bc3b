"""Public LoRAs that were distilled to few steps, for drafts: where each is, and its recipe.

Hashes and revisions are those that the hub's own pages show. All are under openrail++, which allows
services. DMD2 is not among them: its licence forbids commercial use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from pipeline.card import Sampler
from pipeline.lora.recipe import Recipe

Kind = Literal["lightning", "hyper-sd", "lcm"]

DEFAULT_KIND: Final[Kind] = "lightning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distilled:
    """`name`: in the library. `file` of `repository` at the commit `revision`, with its SHA-256
    (hex) and about its size. `about`: what tells it from the others, for operators. `family`: of
    models whose layers it fits (`pipeline.prepare.lora.linear_layers`)."""

    name: str
    author: str
    repository: str
    revision: str
    file: str
    sha256: str
    size_bytes: int
    recipe: Recipe
    about: str
    licence: str = "openrail++"
    family: str = "sdxl"

    @property
    def source(self) -> str:
        """A link to its page."""
        return f"https://huggingface.co/{self.repository}"


DISTILLED: Final[Mapping[Kind, Distilled]] = MappingProxyType(
    {
        "lightning": Distilled(
            name="SDXL-Lightning",
            author="ByteDance",
            repository="ByteDance/SDXL-Lightning",
            revision="b468d4262d5cecae7a6ef78b24de549d2a75fa09",
            file="sdxl_lightning_8step_lora.safetensors",
            sha256="5aa30d94cdf7950a8b53a693682650ee061eddb128c5435a8f88defea73b2ac6",
            size_bytes=393_854_592,
            recipe=Recipe(
                num_inference_steps=8, guidance_scale=1.0, sampler=Sampler.EULER_TRAILING
            ),
            about="8 steps without CFG, so negative prompts have no effect: the fastest",
        ),
        "hyper-sd": Distilled(
            name="Hyper-SD",
            author="ByteDance",
            repository="ByteDance/Hyper-SD",
            revision="4f05039bee8a51e6a0e9cd105f2946df0dc1102c",
            file="Hyper-SDXL-8steps-CFG-lora.safetensors",
            sha256="55b51334c85061afff5eff7c550b61963c8b8607a5868bbe4f26db49374719b1",
            size_bytes=787_000_000,
            # Its page names DDIM with trailing timesteps and CFG 5 to 8. DDIM without noise takes
            # the same steps as Euler.
            recipe=Recipe(
                num_inference_steps=8, guidance_scale=5.0, sampler=Sampler.EULER_TRAILING
            ),
            about="8 steps with CFG, so negative prompts count, at twice the time of the others",
        ),
        "lcm": Distilled(
            name="LCM-LoRA",
            author="Latent Consistency",
            repository="latent-consistency/lcm-lora-sdxl",
            revision="a18548dd4956b174ec5b0d78d340c8dae0a129cd",
            file="pytorch_lora_weights.safetensors",
            sha256="a764e6859b6e04047cd761c08ff0cee96413a8e004c9f07707530cd776b19141",
            size_bytes=393_855_224,
            recipe=Recipe(num_inference_steps=8, guidance_scale=1.0, sampler=Sampler.LCM),
            about="8 steps without CFG, of an older method, and softer",
        ),
    }
)
