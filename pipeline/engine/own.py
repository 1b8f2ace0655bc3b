"""Our own loop over the model's ONNX sessions: no torch, a cancel at the next step, previews.

On a CPU `draw` completes one picture, with its guidance pair in one run as in the stock pipeline
(larger batches gain nothing there). `begin`, `step` and `finish` do the same work in parts, for
several pictures that share runs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from pipeline.card import Sampler, Speed
from pipeline.engine import loop
from pipeline.engine.picture import Alone, Turns, draw_picture
from pipeline.engine.protocol import DrawnPicture, ModelDescription, Watch
from pipeline.engine.region_shares import region_shares
from pipeline.engine.rows import Conditioning, Floats, Row
from pipeline.engine.samplers.make import make_sampler
from pipeline.engine.savings import BALANCED, NOTHING_SAVED, Savings
from pipeline.engine.start import Variation
from pipeline.engine.unet import SparingUNet, open_unet
from pipeline.engine.vae.decoder import VaeDecoder
from pipeline.engine.vae.encoder import VaeEncoder
from pipeline.engine.vae.init_latents import InitPictures
from pipeline.engine.vae.preview import FILE_NAME, Previewer
from pipeline.engine.vae.small import NAME as SMALL
from pipeline.engine.vae.small import SmallDecoder
from pipeline.errors import EngineError, InputError
from pipeline.lora.adapter import LoraKey, LoraSet, LoraStore
from pipeline.model.folder import ModelFolder
from pipeline.plan.memory import available_bytes
from pipeline.plan.unet_memory import USUAL_PIXELS, check_large_picture
from pipeline.prompt.drawn_texts import texts_of
from pipeline.request import ResolvedRequest
from pipeline.runtime.adapters import combine, combined_bytes
from pipeline.runtime.ports import Adapter, Session
from pipeline.runtime.providers import CPU
from pipeline.runtime.sessions import SessionFactory
from pipeline.text.text_encoder import PromptEncoder

_NO_GUIDANCE: Final = 1.0  # diffusers: no negative row is run at or below it
_TRIAL_STEPS: Final = 2
_PAIR: Final = 2  # rows of a picture with guidance


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What holds the model's memory until `close`."""

    unet: SparingUNet
    large_unet: SparingUNet
    decoder: VaeDecoder
    small_decoder: SmallDecoder | None


class OwnEngine:
    """Draws with the sessions that it opens from `folder`. One thread owns it, or several that take
    `turns` (`pipeline.engine.slots`).

    `rows_at_once`: the maximum of UNet rows in one run (None: no limit), `tiled_vae`: the device
    only has room for tiles. If memory still runs out, both are reduced permanently. `at_once`: so
    many pictures may share runs. `loras`: the folder with adapters.

    Raises ModelError: what the sessions raise, `scheduler_unsupported`.
    """

    def __init__(
        self,
        folder: ModelFolder,
        factory: SessionFactory,
        *,
        prompts: PromptEncoder,
        description: ModelDescription,
        rows_at_once: int | None = None,
        at_once: int = 1,
        tiled_vae: bool = False,
        loras: Path | None = None,
    ) -> None:
        for sampler in Sampler:  # report an unsupported scheduler now, not in the first job
            make_sampler(sampler, folder.scheduler, _TRIAL_STEPS)
        self._folder = folder
        self._prompts = prompts
        self.model = description
        decoder = VaeDecoder(folder, factory.open(folder, "vae_decoder"), tiled=tiled_vae)
        self._at_once = 1 if folder.rows_alone else at_once
        joins = self._at_once > 1 and "unet" not in folder.in_openvino
        unet = open_unet(factory, folder, rows_differ=joins or None)
        self._on_cpu = unet.provider == CPU
        most = 1 if folder.rows_alone else rows_at_once
        usual_unet = SparingUNet(unet, rows_at_once=most)
        large_unet = SparingUNet(unet, rows_at_once=1, shrink=True) if self._on_cpu else usual_unet
        small = None
        if folder.small_decoder is not None:
            session = factory.open_small(folder.small_decoder)
            small = SmallDecoder(folder, session, tiled=tiled_vae)
        self._parts: _Parts | None = _Parts(
            unet=usual_unet, large_unet=large_unet, decoder=decoder, small_decoder=small
        )
        self._init_pictures = InitPictures(
            folder, lambda: VaeEncoder.open(folder, factory, tiled=tiled_vae)
        )
        self._loras = LoraStore(loras)
        self._adapter: tuple[LoraKey, Adapter] = ((), {})
        self._previewer = Previewer(
            decoder,
            latent_channels=folder.latent_channels,
            vae_scale_factor=folder.vae_scale_factor,
            path=folder.path / FILE_NAME,
            model_hash=description.hash,
            small=small,
        )

    def draw(
        self,
        request: ResolvedRequest,
        index: int,
        watch: Watch,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
        turns: Turns | None = None,
    ) -> DrawnPicture:
        """See `Engine.draw`. `turns`: when the parts of the picture run; None: at once.

        The encoder for init pictures is opened when the first one comes; everything else is shared.
        """
        turns = turns or Alone(self.step)
        images = (init_image, mask_image)
        try:
            return draw_picture(self, request, index, watch, images, turns=turns)
        except MemoryError as error:  # numpy's, in the arithmetic between the sessions
            raise EngineError("out_of_memory", problem=str(error)) from error

    def begin(
        self,
        request: ResolvedRequest,
        index: int,
        *,
        init_image: Image.Image | None = None,
        mask_image: Image.Image | None = None,
    ) -> Row:
        """Picture `index` of `request` as a row before its first step.

        Raises EngineError `size_unfit`, `out_of_memory`, `init_image_missing`, `mask_missing`,
        `img2img_unavailable`, ModelError and EngineError of the encoders, InputError `lora_gone`,
        `lora_no_branch`, `lora_no_convolutions`, `lora_other_model`.
        """
        self._open()
        self._check_size(width=request.width, height=request.height)
        if self._on_cpu and request.width * request.height > USUAL_PIXELS:
            check_large_picture(self._folder, width=request.width, height=request.height)
        loras = self._open_loras(request)
        drawn = request.of(index)
        init = self._init_pictures.latents(request, init_image, mask_image)
        factor = self._folder.vae_scale_factor
        return Row.begin(
            sampler=make_sampler(
                request.sampler, self._folder.scheduler, request.num_inference_steps
            ),
            seed=request.seed_of(index),
            guidance_scale=request.guidance_scale,
            conditioning=self._conditioning(drawn, loras),
            latent_channels=self._folder.latent_channels,
            latent_height=request.height // factor,
            latent_width=request.width // factor,
            variation=Variation(
                seed=request.variation_seed_of(index), strength=request.variation_strength
            ),
            init=init,
            loras=loras.key("unet"),
            adapter=self._adapter_of(loras),
            is_draft=request.speed is Speed.DRAFT,
            savings=self._savings(request),
            shares=region_shares(
                drawn.regions, height=request.height // factor, width=request.width // factor
            )
            if drawn.regions
            else None,
        )

    def step(self, rows: Sequence[Row]) -> None:
        """One step of each of `rows`, which have the same shape, in one run; on a CPU, pictures
        larger than usual get separate runs. With the last step a CPU's memory is released for the
        decoder. Raises EngineError."""
        parts = self._open()
        _, _, height, width = rows[0].latents.shape
        unet = parts.unet
        if height * width * self._folder.vae_scale_factor**2 > USUAL_PIXELS:
            unet = parts.large_unet
        elif self._on_cpu and all(row.steps - row.steps_done == 1 for row in rows):
            unet = unet.giving_back()
        if self._on_cpu and any(row.copies > _PAIR for row in rows):
            unet = unet.at_most(_PAIR)  # takes as long, with the memory of a plain picture
        loop.step(unet, rows)

    def finish(self, row: Row, *, between: Callable[[], None] = lambda: None) -> Image.Image:
        """The picture of a finished row. Raises EngineError `picture_not_finite`, and what
        `between` raises, which is called between the parts of a large picture."""
        if not np.isfinite(row.latents).all():
            raise EngineError("picture_not_finite")
        picture = self._decoder_of(row).picture(row.latents, between=between)
        return picture if row.paste is None else row.paste.over(picture)

    def preview(self, predicted: Floats | None, step_s: float) -> Image.Image | None:
        """See `RowEngine.preview`."""
        return None if predicted is None else self._previewer.picture(predicted, step_s=step_s)

    def decoder_name(self, row: Row) -> str:
        """See `RowEngine.decoder_name`."""
        return "" if self._decoder_of(row) is self._open().decoder else SMALL

    @property
    def pictures_at_once(self) -> int:
        """How many pictures with guidance may share a run; fewer after memory ran out."""
        parts = self._parts
        rows = None if parts is None else parts.unet.rows_at_once
        return self._at_once if rows is None else max(1, min(self._at_once, rows // _PAIR))

    @property
    def session(self) -> Session:
        """The UNet's. Raises EngineError `engine_closed`."""
        return self._open().unet.session

    @property
    def unet(self) -> loop.UNet:
        """The UNet's session. Raises EngineError `engine_closed`."""
        return self._open().unet

    def close(self) -> None:
        """See `Engine.close`."""
        self._parts = None
        self._previewer.close()
        self._init_pictures.close()
        self._adapter = ((), {})
        self._loras.close()
        self._prompts.close()

    def _open(self) -> "_Parts":
        if self._parts is None:
            raise EngineError("engine_closed")
        return self._parts

    def _savings(self, request: ResolvedRequest) -> Savings:
        balanced = request.speed is Speed.BALANCED and self._open().unet.can_reuse
        return BALANCED if balanced else NOTHING_SAVED

    def _open_loras(self, request: ResolvedRequest) -> LoraSet:
        if request.loras and not self.model.loras:
            raise InputError("lora_no_branch", name=request.loras[0].name)
        return self._loras.open(request.loras)

    def _conditioning(self, request: ResolvedRequest, loras: LoraSet) -> tuple[Conditioning, ...]:
        """Of each step, or one if it never changes."""
        steps = texts_of(request)
        if len(set(steps)) == 1:
            steps = steps[:1]
        embeds = self._prompts.encode_steps(steps, loras)
        guided = request.guidance_scale > _NO_GUIDANCE
        made = {
            id(each): Conditioning.of(
                each, width=request.width, height=request.height, guided=guided
            )
            for each in embeds
        }
        return tuple(made[id(each)] for each in embeds)

    def _adapter_of(self, loras: LoraSet) -> Adapter:
        """The LoRAs for the UNet, placed; those of the last picture are kept."""
        key = loras.key("unet")
        if self._adapter[0] != key:
            self._adapter = ((), {})
            self._open().unet.forget()
            session = self.session
            size_bytes = combined_bytes(loras, "unet", session.branch)
            if self._on_cpu and size_bytes > available_bytes():
                raise EngineError("out_of_memory", problem=f"LoRAs of {size_bytes} bytes")
            self._adapter = (key, session.place(combine(loras, "unet", session.branch)))
        return self._adapter[1]

    def _decoder_of(self, row: Row) -> VaeDecoder:
        """The small one for drafts, if there is one."""
        parts = self._open()
        return (
            parts.decoder
            if parts.small_decoder is None or not row.is_draft
            else parts.small_decoder
        )

    def _check_size(self, *, width: int, height: int) -> None:
        multiple = self._folder.size_multiple
        if width <= 0 or height <= 0 or width % multiple or height % multiple:
            raise EngineError("size_unfit", width=width, height=height, multiple=multiple)
