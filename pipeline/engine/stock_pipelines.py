# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportPrivateImportUsage=false
# optimum is only partly typed
"""Optimum's pipelines with our sessions, loaded only from the model's folder."""

from collections.abc import Mapping
from typing import Any

from diffusers import EulerDiscreteScheduler
from transformers import CLIPTokenizer

from pipeline.model.folder import Component, ModelFolder
from pipeline.onnx.shallow import DEEP
from pipeline.runtime.sessions import OrtSession, SessionFactory
from pipeline.text.text_encoder import PromptEncoder

Sessions = Mapping[Component, OrtSession]


def open_sessions(
    folder: ModelFolder, factory: SessionFactory, prompts: PromptEncoder
) -> dict[Component, OrtSession]:
    """Sessions by component, for several pipelines to share.

    They are created by `factory`, which has checked the provider; the text encoders' are those of
    `prompts`, so that a mixed-precision folder is never used with IO binding between them and the
    UNet (which gives a wrong picture without an error).
    """
    sessions: dict[Component, OrtSession] = {
        "unet": factory.open_ort(folder, "unet"),
        "vae_decoder": factory.open_ort(folder, "vae_decoder"),
        "text_encoder": prompts.session("text_encoder"),
        "text_encoder_2": prompts.session("text_encoder_2"),
    }
    if folder.has("vae_encoder"):
        sessions["vae_encoder"] = factory.open_ort(folder, "vae_encoder")
    return sessions


def pipeline_over(sessions: Sessions, folder: ModelFolder, kind: Any) -> Any:
    """A pipeline of optimum's class `kind`.

    Built from its parts, not by `from_pretrained`: that trusts `model_index.json`, which may have
    null where others omit an entry. The scheduler is a placeholder.
    """
    pipe: Any = kind(
        **{f"{name}_session": session.raw for name, session in sessions.items()},
        scheduler=EulerDiscreteScheduler.from_config(dict(folder.scheduler)),
        tokenizer=CLIPTokenizer.from_pretrained(folder.tokenizer_folder(1)),
        tokenizer_2=CLIPTokenizer.from_pretrained(folder.tokenizer_folder(2)),
        force_zeros_for_empty_prompt=folder.force_zeros_for_empty_prompt,
        use_io_binding=False,
    )
    # optimum takes the first output that is left for the prediction
    pipe.unet.output_names.pop(DEEP, None)
    pipe.set_progress_bar_config(disable=True)
    return pipe
