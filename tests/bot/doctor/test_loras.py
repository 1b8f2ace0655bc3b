"""The line about the library of LoRAs."""

from pathlib import Path

from bot.config.settings import Settings
from bot.doctor.loras import check_loras
from pipeline.lora.files import adapter_path
from tests.bot.loras.making import put


def test_it_counts_and_names_what_is_wrong(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert check_loras(settings).result == "ok"
    manifest = put(settings.lora_folder, "ink", b"1" * 2**20)
    put(settings.lora_folder, "oil", b"2" * 2**20)
    found = check_loras(settings)
    assert (found.result, found.found) == ("ok", f"2 in {settings.lora_folder}, 2 MiB")
    adapter_path(settings.lora_folder, manifest.adapter.sha256).unlink()
    found = check_loras(settings)
    assert (found.result, "can't be used: ink" in found.found) == ("warn", True)
    assert "missing" in found.fix


def test_a_folder_that_is_none_fails(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = check_loras(Settings(lora_dir=str(tmp_path / "file")))
    assert (found.result, str(tmp_path / "file") in found.found) == ("fail", True)
