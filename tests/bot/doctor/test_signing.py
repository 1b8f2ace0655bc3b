"""Whether pictures are signed, and until when."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.config.settings import Settings
from bot.config.signing import signer_of
from bot.doctor.signing import check_signing
from pipeline.errors import InputError
from pipeline.metadata.credentials import Signer, unsigned


def test_without_a_certificate_nothing_is_said_and_nothing_signed() -> None:
    assert list(check_signing(Settings())) == []
    assert signer_of(Settings()) is unsigned


@pytest.mark.parametrize("one", [{"c2pa_certificate": "a.pem"}, {"c2pa_key": "a.key"}])
def test_one_of_the_two_is_not_enough(one: dict[str, str]) -> None:
    with pytest.raises(InputError, match="c2pa_incomplete"):
        signer_of(Settings(**one))  # type: ignore[arg-type]
    [check] = check_signing(Settings(**one))  # type: ignore[arg-type]
    assert check.result == "fail"


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.metadata.credentials.find_spec", lambda name: None)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
    [check] = check_signing(Settings(c2pa_certificate="a.pem", c2pa_key="a.key"))
    assert check.result == "fail"
    assert "pip install" in check.found


def test_the_end_of_the_certificate_is_told_in_time(tmp_path: Path) -> None:
    pytest.importorskip("c2pa", reason="c2pa-python is not installed")
    from tests.support.certificates import make_certificate

    files = make_certificate(tmp_path, days=100)
    settings = Settings(c2pa_certificate=str(files.certificate), c2pa_key=str(files.key))
    [check] = check_signing(settings)
    assert (check.result, "Ekaki test" in check.found) == ("ok", True)
    signer = signer_of(settings)
    assert isinstance(signer, Signer)
    expires = signer.expires
    [soon] = check_signing(settings, now=expires - timedelta(days=10))
    [over] = check_signing(settings, now=expires + timedelta(days=1))
    assert (soon.result, over.result) == ("warn", "fail")
    files.key.chmod(0o644)
    [_, readable] = check_signing(settings)
    assert readable.fix == f"chmod 600 {files.key}"
