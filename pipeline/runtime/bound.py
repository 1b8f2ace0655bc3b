# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# (the border to onnxruntime, whose types are missing)
"""Inputs of a session that stay the same from run to run, on its device once (IO binding)."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.runtime.ports import Array


class Bound:
    """`values` are OrtValues where `raw`, ONNX Runtime's session, runs. One thread at a time."""

    def __init__(self, raw: Any, values: Mapping[str, Any]) -> None:
        self._raw = raw
        self._values = values  # the binding refers to them
        self._binding = raw.io_binding()
        for name, value in values.items():
            self._binding.bind_ortvalue_input(name, value)

    def run(self, inputs: Mapping[str, Array], outputs: Sequence[str], options: Any) -> list[Array]:
        """The `outputs`, given the other `inputs`, contiguous and of the graph's types. Raises what
        ONNX Runtime raises."""
        binding = self._binding
        try:
            for name, value in inputs.items():
                binding.bind_cpu_input(name, value)
            for name in outputs:
                binding.bind_output(name)
            binding.synchronize_inputs()  # copies onto a card may be under way still
            self._raw.run_with_iobinding(binding, options)
            binding.synchronize_outputs()
            return binding.copy_outputs_to_cpu()
        finally:
            binding.clear_binding_outputs()
