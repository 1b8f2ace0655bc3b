"""Checks that the parts of a model belong together; mixed files would draw noise."""

from pipeline.errors import ModelError
from pipeline.model.configs import Json, read_json, text, whole
from pipeline.model.folder import ModelFolder
from pipeline.model.scheduler import SchedulerConfig


def check_consistency(folder: ModelFolder) -> None:
    """Raises ModelError `model_config_wrong` if the schedule is impossible or can't be this
    model's; `model_not_sdxl` if the UNet has another architecture, `scheduler_unsupported`."""
    _check_unet(folder, read_json(folder.path / "unet" / "config.json"))
    _check_schedule(folder)


def _check_unet(folder: ModelFolder, unet: Json) -> None:
    channels = whole(unet, "in_channels", 4)
    if channels != folder.latent_channels:
        kind = f"a UNet of {channels} channels beside a VAE of {folder.latent_channels}"
        raise ModelError("model_not_sdxl", kind=kind)
    if text(unet, "addition_embed_type", "none") != "text_time":
        raise ModelError("model_not_sdxl", kind="a UNet without SDXL's size conditioning")
    widths = [
        whole(read_json(folder.path / name / "config.json"), "hidden_size", 0)
        for name in ("text_encoder", "text_encoder_2")
    ]
    wanted = whole(unet, "cross_attention_dim", 0)
    if all(widths) and wanted and sum(widths) != wanted:
        kind = f"a UNet for text of width {wanted} beside encoders of {sum(widths)}"
        raise ModelError("model_not_sdxl", kind=kind)


def _check_schedule(folder: ModelFolder) -> None:
    schedule = SchedulerConfig.of(folder.scheduler)
    if not 0 < schedule.beta_start <= schedule.beta_end < 1:
        raise _wrong(f"betas from {schedule.beta_start:g} to {schedule.beta_end:g}")
    if not 0 <= schedule.steps_offset < schedule.num_train_timesteps:
        raise _wrong(
            f"an offset of {schedule.steps_offset} in {schedule.num_train_timesteps} timesteps"
        )
    if schedule.rescale_betas_zero_snr and schedule.prediction_type == "epsilon":
        raise _wrong("a last step without signal, where noise can't be predicted")
    stated = read_json(folder.path / "unet" / "config.json").get("prediction_type")
    if stated is not None and stated != schedule.prediction_type:
        raise _wrong(f"it predicts {schedule.prediction_type}, the UNet {stated}")


def _wrong(problem: str) -> ModelError:
    return ModelError("model_config_wrong", name="scheduler", problem=problem)
