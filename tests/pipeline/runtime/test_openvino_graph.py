# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# pyright: reportMissingImports=false
# openvino is an optional extra
"""Graphs as OpenVINO gets them: a low-rank branch in bfloat16, of few ranks, and the size of groups
that are quantised together."""

from typing import Any

import numpy as np
import pytest

from pipeline.runtime.openvino import openvino_version
from pipeline.runtime.openvino_graph import bf16_tensor, group_size, padded

needs_openvino = pytest.mark.skipif(
    not openvino_version(), reason="openvino is not installed: pip install '.[openvino]'"
)


@needs_openvino
def test_values_are_rounded_as_the_graph_would() -> None:
    import ml_dtypes

    values = np.random.default_rng(0).standard_normal((64, 33), np.float32)
    values[0, :4] = [0, 1.00390625, 1.01171875, -1e-40]  # ties, and a denormal number
    wanted = values.astype(ml_dtypes.bfloat16)
    np.testing.assert_array_equal(
        bf16_tensor(values.T).data.view(np.uint16), wanted.T.view(np.uint16)
    )


@needs_openvino
def test_rank_0_has_a_tensor() -> None:
    assert tuple(bf16_tensor(np.zeros((5, 0), np.float32)).shape) == (5, 0)


@pytest.mark.parametrize(("rank", "wanted"), [(1, 16), (16, 16), (17, 32), (32, 32), (100, 128)])
def test_convolutions_get_one_of_few_ranks(rank: int, wanted: int) -> None:
    down, up = np.ones((rank, 4, 3, 3), np.float32), np.ones((6, rank, 1, 1), np.float32)
    a, b = padded("lora/conv_in/A", down), padded("lora/conv_in/B", up)
    assert a.shape == (wanted, 4, 3, 3)
    assert b.shape == (6, wanted, 1, 1)
    np.testing.assert_array_equal(a[:rank], down)
    np.testing.assert_array_equal(b[:, :rank], up)
    assert not a[rank:].any()
    assert not b[:, rank:].any()


def test_linear_layers_keep_their_rank() -> None:
    matrix = np.ones((4, 5), np.float32)
    assert padded("lora/to_q/A", matrix) is matrix


@needs_openvino
@pytest.mark.parametrize(
    ("depths", "group"),
    [
        ([], 0),
        ([1280, 640, 1280], 320),
        ([1280] * 20 + [96], 320),  # a small layer that it does not divide
        ([192, 448], 64),
        ([96, 48], 32),
    ],
)
def test_layers_in_eight_bits_are_quantised_in_the_largest_groups_that_fit(
    depths: list[int], group: int
) -> None:
    import openvino
    from openvino import opset13

    given, results = [], []
    for depth in [*depths, -1024]:  # the last is in single precision
        weight = opset13.constant(np.ones((abs(depth), 8), np.int8 if depth > 0 else np.float32))
        if depth > 0:
            scale = opset13.constant(np.ones((1, 8), np.float32))
            weight = opset13.multiply(opset13.convert(weight, "f32"), scale)
        given.append(opset13.parameter([1, 4, abs(depth)], np.float32))
        results.append(opset13.matmul(given[-1], weight, transpose_a=False, transpose_b=False))
    make: Any = openvino.Model  # its stubs don't know its own constructors
    assert group_size(make(results, given, "layers")) == group
