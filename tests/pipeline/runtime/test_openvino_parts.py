# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
"""A graph that runs part by part gives what it gives in one piece."""

from typing import Any

import numpy as np
import pytest

from pipeline.runtime import openvino_parts
from pipeline.runtime.openvino import compile_model, openvino_version
from pipeline.runtime.openvino_parts import run_in_parts

pytestmark = pytest.mark.skipif(
    not openvino_version(), reason="openvino is not installed: pip install '.[openvino]'"
)


def layers() -> Any:
    """Three linear layers, of which the last sees what each of the others made."""
    import openvino
    from openvino import opset13

    random = np.random.default_rng(0)
    given = opset13.parameter(openvino.PartialShape([-1, 8]), np.float32)
    given.output(0).get_tensor().set_names({"given"})
    values = [given.output(0)]
    for _ in range(2):
        weight = opset13.constant(random.standard_normal((8, 8)).astype(np.float16))
        product = opset13.matmul(values[-1], opset13.convert(weight, "f32"), False, False)
        values.append(opset13.relu(product).output(0))
    total = opset13.add(opset13.add(values[0], values[1]), values[2])
    total.output(0).get_tensor().set_names({"total"})
    first = opset13.result(values[1])
    values[1].get_tensor().set_names({"first"})
    model: Any = openvino.Model
    return model([opset13.result(total), first], [given], "layers")


@pytest.mark.parametrize("size", [1, 200, 1e9])
def test_parts_of_any_size_give_the_same(size: float, monkeypatch: pytest.MonkeyPatch) -> None:
    import openvino

    monkeypatch.setattr(openvino_parts, "_PART_BYTES", size)
    core = openvino.Core()
    sizes: list[int] = []

    def compiled(part: Any) -> Any:
        sizes.append(len(part.get_ops()))
        return compile_model(core, part, "f32", 1)

    values = np.random.default_rng(1).standard_normal((3, 8)).astype(np.float32)
    found = run_in_parts(layers(), {"given": values}, compiled)
    whole = compile_model(core, layers(), "f32", 1).create_infer_request().infer({"given": values})
    assert (len(sizes) > 1) == (size < 1e9)
    assert found.keys() == {"total", "first"}
    for name, tensor in found.items():
        np.testing.assert_allclose(tensor.data, whole[name], rtol=1e-5)
