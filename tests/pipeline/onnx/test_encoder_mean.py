# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateImportUsage=false
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false
# (the border to torch, diffusers and onnxruntime, whose types are partly missing)
"""A VAE encoder traced as exports of early 2024 traced it, sampling included, returns its mean."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from pipeline.onnx.encoder_mean import with_mean_output

pytestmark = pytest.mark.filterwarnings("ignore")  # the tracer warns of its age and of each shape


@pytest.fixture(scope="module")
def vae() -> Any:
    import torch  # here: importing it takes seconds, which all collecting would wait for
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    return AutoencoderKL(
        block_out_channels=(16, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        norm_num_groups=8,
    ).eval()


def test_the_traced_noise_is_cut_off(vae: Any, tmp_path: Path) -> None:
    import torch

    class Sampling(torch.nn.Module):
        """optimum in April 2024: `vae_encoder.encode(x=sample)["latent_dist"].sample()`."""

        def __init__(self) -> None:
            super().__init__()
            self.vae = vae

        def forward(self, sample: torch.Tensor) -> torch.Tensor:
            return self.vae.encode(x=sample)["latent_dist"].sample()

    path = tmp_path / "model.onnx"
    torch.onnx.export(
        Sampling(),
        (torch.randn(1, 3, 32, 48),),
        str(path),
        input_names=["sample"],
        output_names=["latent_sample"],
        dynamic_axes={"sample": {0: "b", 2: "H", 3: "W"}},
        opset_version=17,
        dynamo=False,
    )
    pixels = torch.randn(2, 3, 64, 40)
    feed = {"sample": pixels.numpy()}
    traced = onnxruntime.InferenceSession(str(path))
    one, two = (np.asarray(traced.run(None, feed)[0]) for _ in range(2))
    assert (one != two).any(), "the trace should draw random numbers, or this shows nothing"
    graph = with_mean_output(path)
    assert graph is not None
    cut = onnxruntime.InferenceSession(graph)
    with torch.no_grad():
        mean = vae.encode(pixels).latent_dist.mean.numpy()
    np.testing.assert_allclose(np.asarray(cut.run(None, feed)[0]), mean, atol=1e-5)
