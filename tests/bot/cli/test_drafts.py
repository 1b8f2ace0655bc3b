"""`model fetch --draft` and `--small-decoder`, from a hub on the loopback."""

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cli import drafts
from bot.config.settings import Settings
from bot.loras.scan import manifest_path, read_manifest
from data.shipped.paths import DEMO_MODEL
from pipeline.card import Sampler
from pipeline.errors import EkakiError
from pipeline.lora.distilled import DEFAULT_KIND, DISTILLED, Distilled
from pipeline.model.configs import levels, read_json
from pipeline.model.folder import ModelFolder
from pipeline.plan.prepared import home_of
from pipeline.prepare import small_decoder
from pipeline.prepare.lora.linear_layers import SDXL, LinearLayers
from tests.bot.loras.conftest import small
from tests.pipeline.prepare.lora.loras import kohya, pair, write
from tests.pipeline.prepare.test_small_decoder import save_random
from tests.support.hub import COMMIT, Hub, serve_hub

WEIGHTS = "few.safetensors"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    (tmp_path / "hub").mkdir()
    write(tmp_path / "hub" / WEIGHTS, small())
    with serve_hub(tmp_path / "hub") as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(
        Settings(),
        model=str(DEMO_MODEL),
        data_dir=tmp_path / "state",
        models_dir=tmp_path / "models",
    )


def offered(hub: Hub, **changes: str) -> Distilled:
    """One on our hub."""
    digest = hashlib.sha256((hub.root / WEIGHTS).read_bytes()).hexdigest()
    return replace(
        DISTILLED["lcm"],
        repository="owner/name",
        revision=COMMIT,
        file=WEIGHTS,
        **{"sha256": digest, "family": LinearLayers.of(DEMO_MODEL).family, **changes},
    )


def test_it_becomes_the_librarys_draft_with_its_recipe(
    hub: Hub, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    drafts.fetch_draft(settings, offered(hub), endpoint=hub.url)
    manifest = read_manifest(manifest_path(settings.lora_folder, "LCM-LoRA"))
    assert manifest.draft
    assert manifest.recipe.sampler is Sampler.LCM
    assert (manifest.recipe.num_inference_steps, manifest.recipe.guidance_scale) == (8, 1.0)
    assert (manifest.licence, manifest.author) == ("openrail++", "Latent Consistency")
    assert manifest.triggers == ()
    said = capsys.readouterr()
    assert "openrail++" in said.err
    assert "model prepare" not in said.err
    assert "Added LCM-LoRA" in said.out
    assert not list(settings.models_dir.rglob("*.safetensors")), "the library has its own copy"
    with pytest.raises(EkakiError, match="lora_taken"):  # before anything is downloaded
        drafts.fetch_draft(settings, offered(hub), endpoint="http://127.0.0.1:1")


def test_one_with_convolutions_says_that_the_model_has_to_be_prepared_for_it(
    hub: Hub, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    width = levels(read_json(DEMO_MODEL / "unet" / "config.json"))[0]
    layer = "lora_unet_down_blocks_0_resnets_0_conv1"
    write(hub.root / WEIGHTS, small() | kohya({layer: pair(4, width, width, 0, (3, 3))}))
    drafts.fetch_draft(settings, offered(hub), endpoint=hub.url)
    assert "python -m bot model prepare" in capsys.readouterr().err
    assert read_manifest(manifest_path(settings.lora_folder, "LCM-LoRA")).layers == 2


def test_a_file_that_is_not_what_was_published_is_not_added(hub: Hub, settings: Settings) -> None:
    with pytest.raises(EkakiError, match="download_altered"):
        drafts.fetch_draft(settings, offered(hub, sha256="0" * 64), endpoint=hub.url)
    assert not list(settings.lora_folder.glob("*.json"))
    assert not list(settings.models_dir.rglob("*.safetensors"))


def test_on_a_terminal_it_asks_first(
    hub: Hub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "is_terminal", lambda: True)
    asked: list[str] = []
    monkeypatch.setattr(drafts, "yes", asked.append)
    with pytest.raises(EkakiError, match="not_downloaded"):
        drafts.fetch_draft(settings, offered(hub), endpoint="http://127.0.0.1:1")
    assert asked == ["Download it?"]
    assert not settings.models_dir.exists()


def test_for_a_model_with_other_layers_nothing_is_downloaded(settings: Settings) -> None:
    with pytest.raises(EkakiError, match="lora_other_model"):
        drafts.fetch_draft(settings, DISTILLED["lcm"], endpoint="http://127.0.0.1:1")
    assert not settings.models_dir.exists()


def test_what_is_on_offer_has_hashes_recipes_and_a_licence_for_services() -> None:
    assert DEFAULT_KIND in DISTILLED
    for each in DISTILLED.values():
        assert len(each.sha256) == 64
        assert len(each.revision) == 40
        assert each.licence == "openrail++"
        assert each.family == SDXL
        each.recipe.check()
        assert each.recipe.num_inference_steps == 8


def test_a_small_decoder_for_another_vae_is_refused_before_the_download(
    settings: Settings,
) -> None:
    with pytest.raises(EkakiError, match="small_decoder_unfit"):
        drafts.fetch_small_decoder(settings, endpoint="http://127.0.0.1:1")
    assert not settings.models_dir.exists()


def test_the_small_decoder_goes_into_the_models_folder_and_what_was_prepared_from_it(
    hub: Hub,
    settings: Settings,
    tiny_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = shutil.copytree(tiny_path, tmp_path / "model")
    save_random(hub.root)
    digest = hashlib.sha256((hub.root / small_decoder.WEIGHTS).read_bytes()).hexdigest()
    monkeypatch.setattr(small_decoder, "REVISION", COMMIT)
    monkeypatch.setattr(
        small_decoder, "HASHES", {small_decoder.WEIGHTS: digest, small_decoder.CONFIG: ""}
    )
    settings = replace(settings, model=str(model))
    source = ModelFolder.open(model)
    prepared = home_of(settings.models_dir, source) / "int8"
    shutil.copytree(model, prepared)  # as if it had been prepared
    drafts.fetch_small_decoder(settings, endpoint=hub.url)
    for path in (model, prepared):
        assert ModelFolder.open(path).small_decoder is not None
