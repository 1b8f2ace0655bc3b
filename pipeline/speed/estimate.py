"""Estimates how long a picture takes before one is drawn: the model's work divided by the machine's
speed.

Assumes that the machine does nothing else. Drawn pictures correct the estimate
(`bot.jobs.draw.eta`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from pipeline.card import DEFAULT_STEPS
from pipeline.engine.protocol import Expected
from pipeline.model.options import IN_BF16, VARIANTS, Variant
from pipeline.runtime.cpu import this_cpu
from pipeline.runtime.providers import CPU
from pipeline.speed.notes import Speeds, noted
from pipeline.speed.work import PictureWork, Work, work_of

if TYPE_CHECKING:
    from pipeline.model.folder import ModelFolder
    from pipeline.model.options import EngineOptions
    from pipeline.runtime.sessions import SessionFactory

Form = Literal["source"] | Variant

SIDE: Final = 1024
"""The side of the estimated picture, in pixels."""

USUAL_PICTURE: Final = f"{SIDE}x{SIDE} in {DEFAULT_STEPS} steps"

SLOW_OPERATIONS: Final = 5e12
"""Operations per picture, SDXL's being 389e12: with fewer it takes seconds on most processors, and
nothing is measured or offered."""

_BESIDE: Final[Mapping[Form, float]] = {
    "source": 0.25,
    "fp32": 0.2,
    "int8": 0.2,
    "bf16": 0.05,
    "int8-bf16": 0.05,
}
"""What the UNet does beside products of matrices (norms, activations, softmax, copies), in parts of
the products' time in single precision. From SDXL's UNet on two cores, seconds per step: 83.3 as
exported, 78.8 fused, 48.5 in eight bits, 37.5 in OpenVINO; the products alone 67, 67, 34, 34."""

_DECODER_BESIDE: Final = 0.5
"""The same of the VAE's decoder: 72.8 s, of which products 48."""

_TEXT_AND_FILE_S: Final = 0.2  # encoding the prompt and writing the picture


def expect(work: PictureWork, speeds: Speeds, form: Form) -> Expected | None:
    """On the processor that `speeds` are of, `work` being of 1024x1024; None where it can't run
    `form`."""
    if form == "fp16" or (form in IN_BF16 and speeds.bf16_int8_linear is None):
        return None
    row_step_s = _products_s(work.unet, speeds, form)
    row_step_s += _BESIDE[form] * _products_s(work.unet, speeds, "source")
    small = work.small_decoder
    return Expected(
        row_step_s=row_step_s,
        beside_s=_beside_s(work.decoder, speeds, form),
        small_beside_s=None if small is None else _beside_s(small, speeds, "source"),
    )


def expect_all(source: "ModelFolder", speeds: Speeds) -> dict[Form, Expected]:
    """Of the model as it is, and in each variant that this processor runs."""
    work = work_of(source, width=SIDE, height=SIDE)
    forms: tuple[Form, ...] = ("source", *VARIANTS)
    found: dict[Form, Expected | None] = {form: expect(work, speeds, form) for form in forms}
    return {form: expected for form, expected in found.items() if expected is not None}


def expect_noted(
    options: "EngineOptions", folder: "ModelFolder", factory: "SessionFactory"
) -> Expected | None:
    """The estimate for `folder` with the stored speeds of this machine; None on a card and if
    nothing was measured.

    ModelError `model_config_wrong`.
    """
    if factory.provider != CPU:
        return None
    known = noted(options.models_dir, this_cpu(), threads=factory.threads)
    if known is None:
        return None
    return expect(work_of(folder, width=SIDE, height=SIDE), known.speeds, form_of(folder))


def outlook(
    options: "EngineOptions", source: "ModelFolder", factory: "SessionFactory", variant: Variant
) -> list[str]:
    """Lines for people: the time for a picture now and in each variant, with `variant` marked. None
    for a small model on a machine that was not measured. ModelError `model_config_wrong`."""
    if factory.provider != CPU:
        return ["How long a picture takes on this card is known after the first one."]
    known = noted(options.models_dir, this_cpu(), threads=factory.threads)
    if known is None:
        return []
    lines = [f"A picture of {USUAL_PICTURE} on this processor, if nothing else runs:"]
    for form, expected in expect_all(source, known.speeds).items():
        name = "as it is" if form == "source" else form
        mark = "  <- this is made now" if form == variant else ""
        lines.append(f"  {name:<9}  {about(expected.picture_s)}{mark}")
    return lines


def is_slow(source: "ModelFolder") -> bool:
    """Whether a picture takes more than seconds. ModelError `model_config_wrong`."""
    work = work_of(source, width=SIDE, height=SIDE)
    return work.unet.total * 2 * DEFAULT_STEPS + work.decoder.total > SLOW_OPERATIONS


def form_of(folder: "ModelFolder") -> Form:
    """The form of `folder`, as far as speed is concerned."""
    if not folder.fused and not folder.in_openvino:
        return "source"
    said = folder.precision.partition(" ")[0]
    for variant in VARIANTS:
        if variant == said:
            return variant
    return "source"


def about(seconds: float) -> str:
    """`about 25 minutes`: only significant digits."""
    if seconds < 90:
        step = 1 if seconds < 10 else 5
        count, unit = max(1, round(seconds / step) * step), "second"
    elif seconds < 3 * 3600:
        minutes = seconds / 60
        step = 1 if minutes < 20 else 5
        count, unit = round(minutes / step) * step, "minute"
    else:
        count, unit = round(seconds / 3600), "hour"
    return f"about {count} {unit}{'' if count == 1 else 's'}"


def _beside_s(decoder: Work, speeds: Speeds, form: Form) -> float:
    """`form`: only those in bfloat16 change the decoder, and none has it in eight bits."""
    single_s = _products_s(decoder, speeds, "source")
    products_s = _products_s(decoder, speeds, "bf16") if form in IN_BF16 else single_s
    beside = _BESIDE[form] if form in IN_BF16 else _DECODER_BESIDE
    return products_s + beside * single_s + _TEXT_AND_FILE_S


def _products_s(work: Work, speeds: Speeds, form: Form) -> float:
    """Seconds of the products of matrices. Attention is some, in the speed of linear layers; in
    eight bits it stays as it is."""
    linear = work.linear / speeds.linear_flops
    attention = work.attention / speeds.linear_flops
    convolution = work.convolution / speeds.conv_flops
    if form == "int8":
        linear /= speeds.int8_linear
    elif speeds.bf16_linear and form in IN_BF16:
        eight = speeds.bf16_int8_linear if form == "int8-bf16" else None
        linear /= eight or speeds.bf16_linear
        attention /= speeds.bf16_linear
    if form != "source":
        convolution /= speeds.convolutions(form)
    return linear + attention + convolution
