# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false, reportAttributeAccessIssue=false
# (the border to onnx, whose protobuf classes are untyped)
"""Prepared models: as right as they say, swapped in whole, found again, damaged ones never used."""

import errno
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx
import pytest

from pipeline.engine.unet import open_unet
from pipeline.errors import ModelError
from pipeline.model.consistency import check_consistency
from pipeline.model.folder import ModelFolder
from pipeline.model.options import Variant
from pipeline.onnx.skeleton import Weights, load_skeleton
from pipeline.plan import prepared
from pipeline.plan.prepared import Manifest, find, home_of
from pipeline.prepare import prepare, verify, write
from pipeline.prepare.prepare import prepare_model
from pipeline.prepare.wish import Prepared, Talk, Wish
from pipeline.runtime.cpu import parse_cpuinfo
from pipeline.runtime.providers import CPU, CUDA
from pipeline.runtime.sessions import SessionFactory
from tests.pipeline.own_model import Quiet, make_request, open_own
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def mapped() -> SessionFactory:
    return SessionFactory(provider="cpu", threads=1, mapped=True)


def make(
    source: ModelFolder, models: Path, variant: Variant, factory: SessionFactory, **wish: Any
) -> Prepared:
    return prepare_model(
        source, models, Wish(variant=variant, **wish), factory=factory, talk=Talk()
    )


Shared = Callable[[ModelFolder, Variant], Prepared]


@pytest.fixture(scope="module")
def shared(mapped: SessionFactory, tmp_path_factory: pytest.TempPathFactory) -> Shared:
    """Prepares each model once, with its check, for tests that only read what was made."""
    made: dict[tuple[Path, str], Prepared] = {}

    def prepared_once(source: ModelFolder, variant: Variant) -> Prepared:
        if (source.path, variant) not in made:
            models = tmp_path_factory.mktemp("shared")
            made[source.path, variant] = make(source, models, variant, mapped)
        return made[source.path, variant]

    return prepared_once


def copied(made: Prepared, source: ModelFolder, models: Path) -> Prepared:
    """What was made, as if it had been made in `models`: a test's own, to spoil."""
    home = home_of(models, source)
    shutil.copytree(made.path.parent, home)
    return replace(made, path=home / made.path.name)


def failure(source: ModelFolder, models: Path, factory: SessionFactory) -> ModelError:
    with pytest.raises(ModelError) as caught:
        make(source, models, "fp32", factory)
    return caught.value


def own_copy(source: ModelFolder, folder: Path, **scheduler: object) -> ModelFolder:
    """The same model in a folder that a test may spoil."""
    shutil.copytree(source.path, folder)
    path = folder / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **scheduler}))
    return ModelFolder.open(folder)


@pytest.mark.parametrize("variant", ["fp32", "fp16", "int8"])
@pytest.mark.parametrize("model", ["tiny", "tiny_v", "tiny_2024"])
def test_every_variant_of_every_layout_is_close_to_its_source(
    model: str,
    variant: Variant,
    shared: Shared,
    request: pytest.FixtureRequest,
) -> None:
    source: ModelFolder = request.getfixturevalue(model)
    made = shared(source, variant)
    folder = ModelFolder.open(made.path)
    assert folder.precision.startswith(variant)
    assert folder.content_hash == source.content_hash
    assert folder.size_multiple == source.size_multiple
    limits: dict[Variant, float] = {"fp32": 1e-5, "fp16": 5e-3, "int8": 0.09}
    assert max(made.manifest.errors.values()) < limits[variant], made.manifest.errors
    for component in ("unet", "text_encoder", "vae_decoder", "vae_encoder"):
        graph = onnx.load(made.path / component / "model.onnx", load_external_data=False)
        theirs = onnx.load(source.path / component / "model.onnx", load_external_data=False)
        kinds = [value.type.tensor_type.elem_type for value in graph.graph.output]
        assert kinds == [value.type.tensor_type.elem_type for value in theirs.graph.output]
        names = [value.name for value in graph.graph.output]
        assert names == [value.name for value in theirs.graph.output]


def test_the_prepared_picture_is_the_same_picture(tiny: ModelFolder, shared: Shared) -> None:
    made = shared(tiny, "fp32")
    pictures = [
        np.asarray(open_own(path).draw(make_request(), 0, Quiet()).image, np.int16)
        for path in (tiny.path, made.path)
    ]
    assert np.abs(pictures[0] - pictures[1]).max() <= 1


def test_half_precision_leaves_the_sines_of_the_timestep_alone(
    tiny: ModelFolder, shared: Shared
) -> None:
    made = shared(tiny, "fp16")
    model = onnx.load(made.path / "unet" / "model.onnx", load_external_data=False)
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in onnx.shape_inference.infer_shapes(model).graph.value_info
    }
    waves = [node for node in model.graph.node if node.op_type in {"Sin", "Cos"}]
    assert len(waves) == 4
    assert {types[node.output[0]] for node in waves} == {onnx.TensorProto.FLOAT}
    weights = [tensor for tensor in model.graph.initializer if len(tensor.dims) >= 2]
    assert {tensor.data_type for tensor in weights} == {onnx.TensorProto.FLOAT16}


def test_int8_gives_a_picture_the_same_numbers_whatever_shares_its_run(
    tiny: ModelFolder, shared: Shared
) -> None:
    """Its scales are measured over all rows of a run, so the engine gives it one row at a time."""
    engine = open_own(shared(tiny, "int8").path)
    rows = [engine.begin(make_request(seed=seed), 0) for seed in (1, 2)]
    alone = engine.begin(make_request(seed=1), 0)
    engine.step(rows)
    engine.step([alone])
    np.testing.assert_array_equal(rows[0].latents, alone.latents)


def test_rows_at_different_timesteps_share_a_run_of_what_had_a_scalar(
    tiny: ModelFolder, mapped: SessionFactory, shared: Shared
) -> None:
    folder = ModelFolder.open(shared(tiny, "fp32").path)
    assert len(open_unet(mapped, folder).session.inputs["timestep"].shape) == 1


def test_weights_inside_the_graph_are_read_where_they_lie(tiny: ModelFolder) -> None:
    path = tiny.onnx_file("unet")
    model, weights = load_skeleton(path), Weights(path.parent)
    whole = {tensor.name: tensor for tensor in onnx.load(path).graph.initializer}
    assert len(model.SerializeToString()) < path.stat().st_size / 4
    for tensor in model.graph.initializer:
        wanted = onnx.numpy_helper.to_array(whole[tensor.name])
        np.testing.assert_array_equal(weights.read(tensor), wanted)
    weights.close()


@pytest.mark.usefixtures("unchecked")
def test_what_was_prepared_last_is_found(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    assert find(tmp_path, tiny, "auto", CPU) is tiny
    made = make(tiny, tmp_path, "fp32", mapped)
    assert find(tmp_path, tiny, "auto", CPU).path == made.path
    assert find(tmp_path, tiny, "source", CPU) is tiny
    make(tiny, tmp_path, "int8", mapped)
    assert find(tmp_path, tiny, "auto", CPU).precision == "int8"
    assert find(tmp_path, tiny, "fp32", CPU).path == made.path


@pytest.mark.parametrize(
    ("variant", "provider", "key"),
    [("fp16", CPU, "variant_unfit"), ("int8", CUDA, "variant_unfit"), ("fp32", CPU, "")],
)
def test_a_variant_that_the_machine_cant_run_is_refused(
    variant: Variant, provider: str, key: str
) -> None:
    if not key:
        prepared.check_fit(variant, provider)
        return
    with pytest.raises(ModelError) as caught:
        prepared.check_fit(variant, provider)
    assert caught.value.key == key


def test_weights_of_all_eight_bits_are_refused_where_sums_overflow(
    tiny: ModelFolder, shared: Shared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = copied(shared(tiny, "int8"), tiny, tmp_path)
    replace(made.manifest, full_range=True).save(made.path)  # as from another machine
    monkeypatch.setattr(prepared, "multiplies_int8_safely", lambda: False)
    with pytest.raises(ModelError) as caught:
        find(tmp_path, tiny, "int8", CPU)
    assert caught.value.key == "variant_unfit"
    monkeypatch.setattr(prepared, "multiplies_int8_safely", lambda: True)
    assert find(tmp_path, tiny, "int8", CPU).precision == "int8"


def test_not_prepared_is_said(tiny: ModelFolder, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        find(tmp_path, tiny, "fp32", CPU)
    assert caught.value.key == "prepared_missing"


@pytest.mark.parametrize("damage", ["flip", "cut", "gone", "manifest"])
def test_a_damaged_prepared_model_is_never_used(
    damage: str, tiny: ModelFolder, shared: Shared, tmp_path: Path
) -> None:
    made = copied(shared(tiny, "fp32"), tiny, tmp_path)
    file = made.path / "unet" / "model.onnx_data"
    content = bytearray(file.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "cut":
        file.write_bytes(content[:-1])
    elif damage == "gone":
        file.unlink()
    else:
        (made.path / prepared.MANIFEST).write_text("{}")
    with pytest.raises(ModelError) as caught:
        find(tmp_path, tiny, "auto", CPU)
    assert caught.value.key == "prepared_damaged"


def test_a_copied_prepared_model_is_read_once_and_used(
    tiny: ModelFolder, shared: Shared, tmp_path: Path
) -> None:
    copied(shared(tiny, "fp32"), tiny, tmp_path / "b")
    for file in (tmp_path / "b").rglob("model.onnx*"):
        os.utime(file, (1, 1))
    find(tmp_path / "b", tiny, "auto", CPU)
    path = home_of(tmp_path / "b", tiny) / "fp32"
    assert json.loads((path / prepared.STAMPS).read_text())["unet/model.onnx"][1] == 10**9


_KILLED = """
import os, signal, sys
from pathlib import Path
from types import MappingProxyType
from pipeline.model.consistency import check_consistency
from pipeline.model.folder import ModelFolder
from pipeline.runtime.sessions import SessionFactory
from pipeline.prepare import write
from pipeline.prepare.prepare import Talk, Wish, prepare_model
write.SAVE_EVERY_BYTES = 2**19
def written(done, total):
    if done > total * float(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
prepare_model(ModelFolder.open(Path(sys.argv[1])), Path(sys.argv[2]), Wish(variant="fp16"),
    factory=SessionFactory(provider="cpu", threads=1), talk=Talk(written=written))
"""


@pytest.mark.usefixtures("unchecked")
def test_killed_in_the_middle_it_goes_on_and_ends_the_same(
    tiny: ModelFolder, mapped: SessionFactory, shared: Shared, tmp_path: Path
) -> None:
    straight = shared(tiny, "fp16")
    for share in ("0.4", "0.7"):
        done = subprocess.run(
            [sys.executable, "-c", _KILLED, str(tiny.path), str(tmp_path / "killed"), share],
            cwd=ROOT, check=False, timeout=PATIENCE_S, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL
        assert find(tmp_path / "killed", tiny, "auto", CPU) is tiny
    steps = [0]
    talk = Talk(written=lambda done, _total: steps.append(done))
    again = prepare_model(
        tiny, tmp_path / "killed", Wish(variant="fp16"), factory=mapped, talk=talk
    )
    most = max(after - before for before, after in itertools.pairwise(steps))
    assert most > steps[-1] * 0.3, "what was written of the UNet should be kept"
    assert again.manifest.files == straight.manifest.files


@pytest.mark.usefixtures("unchecked")
def test_a_full_disk_in_the_middle_is_said_and_the_old_model_stays(
    tiny: ModelFolder,
    mapped: SessionFactory,
    shared: Shared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied(shared(tiny, "fp32"), tiny, tmp_path)
    seen: list[int] = []
    real = write._Sink.put  # pyright: ignore[reportPrivateUsage]  # the disk's place

    def full(self: Any, offset: int, values: Any) -> None:
        seen.append(values.nbytes)
        if sum(seen) > 3_500_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(self, offset, values)

    with monkeypatch.context() as patch:
        patch.setattr(write._Sink, "put", full)  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(ModelError) as caught:
            make(tiny, tmp_path, "fp16", mapped)
    assert caught.value.key == "prepare_disk_full"
    assert find(tmp_path, tiny, "auto", CPU).precision == "fp32 (fused)"
    assert make(tiny, tmp_path, "fp16", mapped).manifest.variant == "fp16"


def test_too_little_space_is_said_before_anything_is_written(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10**6)

    def little(_path: Path) -> object:
        return usage

    monkeypatch.setattr(prepare.shutil, "disk_usage", little)
    error = failure(tiny, tmp_path, mapped)
    assert error.key == "prepare_disk_too_small"
    assert not list(tmp_path.rglob("model.onnx*"))


def test_a_failed_check_throws_the_new_one_away_and_keeps_the_old(
    tiny: ModelFolder,
    mapped: SessionFactory,
    shared: Shared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = copied(shared(tiny, "fp32"), tiny, tmp_path)
    strict = {"fp32": {"text": 1.0, "unet": 0.0, "vae": 1.0}}
    monkeypatch.setattr(verify, "BOUNDS", strict)
    error = failure(tiny, tmp_path, mapped)
    assert error.key == "prepare_check_failed"
    assert error.data["part"] == "unet"
    assert find(tmp_path, tiny, "auto", CPU).path == before.path
    assert not list(tmp_path.rglob("*.part"))


def test_a_crash_between_two_renames_is_mended(
    tiny: ModelFolder, shared: Shared, tmp_path: Path
) -> None:
    made = copied(shared(tiny, "fp32"), tiny, tmp_path)
    made.path.rename(prepared.old_of(made.path))
    assert find(tmp_path, tiny, "auto", CPU).path == made.path


def test_two_at_once_are_refused(tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path) -> None:
    home = home_of(tmp_path, tiny)
    home.mkdir(parents=True)
    with prepare.FileLock(home / ".lock"):
        assert failure(tiny, tmp_path, mapped).key == "prepare_busy"


@pytest.mark.usefixtures("unchecked")
def test_a_source_that_is_not_what_was_published_is_found_by_its_hash(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    source = own_copy(tiny, tmp_path / "model")
    file = source.onnx_file("unet")
    note = tmp_path / "model/.cache/huggingface/download/unet/model.onnx.metadata"
    note.parent.mkdir(parents=True)
    note.write_text(f"commit\n{prepared.sha256_of(file)}\n1.0\n")
    make(source, tmp_path / "models", "fp32", mapped)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    source = ModelFolder.open(source.path)
    error = failure(source, tmp_path / "other", mapped)
    assert (error.key, error.data["name"]) == ("source_altered", "unet/model.onnx")


def test_a_source_cut_off_behind_our_back_is_said(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    source = own_copy(tiny, tmp_path / "model")
    file = source.onnx_file("unet")
    with file.open("r+b") as cut:
        cut.truncate(file.stat().st_size // 2)
    assert failure(source, tmp_path / "models", mapped).key == "model_incomplete"


@pytest.mark.parametrize(
    "scheduler",
    [
        {"beta_start": 0.5, "beta_end": 0.01},
        {"steps_offset": 5000},
        {"rescale_betas_zero_snr": True},
        {"prediction_type": "sample"},
    ],
)
def test_a_schedule_that_cant_be_this_models_is_refused(
    scheduler: dict[str, object], tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    source = own_copy(tiny, tmp_path / "model", **scheduler)
    error = failure(source, tmp_path / "models", mapped)
    assert error.key in {"model_config_wrong", "scheduler_unsupported"}


def test_a_schedule_is_judged_by_the_values_that_are_drawn_with(tiny: ModelFolder) -> None:
    left_out = MappingProxyType({**tiny.scheduler, "beta_start": 0.015, "beta_end": None})
    check_consistency(replace(tiny, scheduler=left_out))  # diffusers' default is 0.02
    with pytest.raises(ModelError, match="model_config_wrong"):
        check_consistency(
            replace(tiny, scheduler=MappingProxyType({**left_out, "beta_start": 0.03}))
        )


@pytest.mark.parametrize(
    "change", [{"in_channels": 9}, {"addition_embed_type": None}, {"cross_attention_dim": 768}]
)
def test_a_unet_of_another_architecture_is_refused(
    change: dict[str, object], tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    source = own_copy(tiny, tmp_path / "model")
    path = source.path / "unet" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert failure(source, tmp_path / "models", mapped).key == "model_not_sdxl"


@pytest.mark.parametrize(
    ("component", "part"),
    [("text_encoder", "text"), ("unet", "unet"), ("vae_decoder", "vae"), ("vae_encoder", "vae")],
)
def test_a_source_that_gives_no_numbers_is_at_fault_itself(
    component: str, part: str, tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    """Another variant of it would be no better."""
    source = own_copy(tiny, tmp_path / "model")
    path = source.path / component / "model.onnx"
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and tensor.dims:
            values = np.full(tuple(tensor.dims), np.nan, np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))
    onnx.save(model, path)
    error = failure(ModelFolder.open(source.path), tmp_path / "models", mapped)
    assert (error.key, error.data["part"]) == ("source_not_finite", part)


@pytest.mark.parametrize("name", ["unet/config.json", "model_index.json"])
def test_a_prepared_model_that_lost_a_small_file_is_to_be_made_again(
    name: str, tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    (make(tiny, tmp_path, "fp32", mapped).path / name).unlink()
    with pytest.raises(ModelError) as caught:
        find(tmp_path, tiny, "auto", CPU)
    assert (caught.value.key, caught.value.data["name"]) == ("prepared_damaged", name)


@pytest.mark.usefixtures("unchecked")
def test_another_wish_forgets_what_was_begun(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    part = home_of(tmp_path, tiny) / ".fp32.part"
    (part / "unet").mkdir(parents=True)
    junk = b"of another model"
    (part / "unet" / "model.onnx_data").write_bytes(junk)
    finished = {"unet": {"model.onnx_data": ["0" * 64, len(junk)]}}
    (part / "state.json").write_text(json.dumps({"key": "another", "components": finished}))
    made = make(tiny, tmp_path, "fp32", mapped)
    prepared.check_files(made.path, Manifest.load(made.path))
    assert (made.path / "unet" / "model.onnx_data").read_bytes() != junk


def test_one_tensor_at_a_time_is_in_memory(tmp_path: Path) -> None:
    """A gigabyte of weights, converted within 150 MB: what the process takes stays the same."""
    count, side = 64, 2048
    names = [f"w{index}" for index in range(count)]
    node, value = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [
        node("MatMul", [f"x{index}", name], [f"x{index + 1}"]) for index, name in enumerate(names)
    ]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            "large",
            [value("x0", onnx.TensorProto.FLOAT, ["rows", side])],
            [value(f"x{count}", onnx.TensorProto.FLOAT, ["rows", side])],
        )
    )
    for index, name in enumerate(names):
        tensor = model.graph.initializer.add(name=name, data_type=1, data_location=1)
        tensor.dims.extend([side, side])
        place = {"location": "model.onnx_data", "offset": index * side * side * 4}
        for key, entry in {**place, "length": side * side * 4}.items():
            tensor.external_data.add(key=key, value=str(entry))
    (tmp_path / "unet").mkdir()
    onnx.save(model, tmp_path / "unet" / "model.onnx")
    with (tmp_path / "unet" / "model.onnx_data").open("wb") as file:
        file.truncate(count * side * side * 4)  # a sparse file: zeros, no space
    script = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from pipeline.prepare.convert import convert\n"
        "from pipeline.onnx.skeleton import Weights\n"
        "from pipeline.prepare.write import ComponentWriter\n"
        "import onnx\nfolder = Path(sys.argv[1]) / 'unet'\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "made = convert(folder / 'model.onnx', 'unet', 'int8', full_range=False)\n"
        "before = peak()\n"
        "out = folder.parent / 'out'\n"
        "ComponentWriter(made, Weights(folder), out, lambda _: None).write()\n"
        "print((peak() - before) / 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=PATIENCE_S,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert float(done.stdout) < 150, "megabytes beyond what the libraries take"


def test_processors_are_told_apart() -> None:
    plain = parse_cpuinfo("model name : A\nflags : sse avx2 fma\n", "x86_64")
    assert (plain.model, plain.int8_is_safe, plain.skills) == ("A", False, "AVX2 alone")
    flags = "avx2 avx512f avx512_vnni avx512_bf16 amx_int8"
    rich = parse_cpuinfo(f"model name\t: B\nflags\t\t: {flags}\n", "x86_64")
    assert rich.int8_is_safe
    assert rich.skills.startswith("AMX, AVX512-BF16, AVX512-VNNI")
    assert parse_cpuinfo("Features : fp asimd\n", "aarch64").int8_is_safe
    assert not parse_cpuinfo("", "x86_64").int8_is_safe


def test_a_source_is_left_as_it_was(
    tiny: ModelFolder, mapped: SessionFactory, tmp_path: Path
) -> None:
    before = {file: file.stat().st_mtime_ns for file in tiny.path.rglob("*")}
    make(replace(tiny), tmp_path, "fp32", mapped)
    assert before == {file: file.stat().st_mtime_ns for file in tiny.path.rglob("*")}
