# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""What the processor's description says."""

from pipeline.runtime.cpu import parse_cpuinfo


def test_processors_are_told_apart() -> None:
    plain = parse_cpuinfo("model name : A\nflags : sse avx2 fma\n", "x86_64")
    assert (plain.model, plain.int8_is_safe, plain.skills) == ("A", False, "AVX2 alone")
    flags = "avx2 avx512f avx512_vnni avx512_bf16 amx_int8"
    rich = parse_cpuinfo(f"model name\t: B\nflags\t\t: {flags}\n", "x86_64")
    assert rich.int8_is_safe
    assert rich.skills.startswith("AMX, AVX512-BF16, AVX512-VNNI")
    assert parse_cpuinfo("Features : fp asimd\n", "aarch64").int8_is_safe
    assert not parse_cpuinfo("", "x86_64").int8_is_safe
