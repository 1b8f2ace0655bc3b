"""Signed pictures, as c2pa's own reader sees them."""

import io
import logging
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cogs.common.pictures import fit
from data.files.thumbnails import shrink
from pipeline.errors import InputError
from pipeline.metadata.credentials import Kind, Signer
from pipeline.metadata.png import encode_png
from pipeline.metadata.provenance import SOURCE_TYPE, XMP
from tests.pipeline.metadata.test_provenance import source_type
from tests.support.certificates import make_certificate
from tests.support.credentials import manifest, validation_state
from tests.support.parameters import read_parameters

pytestmark = pytest.mark.skipif(find_spec("c2pa") is None, reason="c2pa-python is not installed")


def picture() -> Image.Image:
    return Image.effect_noise((96, 128), 60).convert("RGB")


def png() -> bytes:
    return encode_png(picture(), "1girl\nSteps: 28", xmp=XMP)


def signer(folder: Path, **how: Any) -> Signer:
    files = make_certificate(folder, **how)
    return Signer(files.certificate, files.key, version="1.2.3")


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_a_signed_file_says_what_made_it_and_keeps_its_mark(tmp_path: Path, kind: Kind) -> None:
    file = io.BytesIO()
    picture().save(file, kind, **({"xmp": XMP.encode()} if kind != "png" else {}))
    content = png() if kind == "png" else file.getvalue()
    signed = signer(tmp_path)(content, kind)
    found = manifest(signed, kind)
    [assertion] = [each for each in found["assertions"] if "actions" in each["label"]]
    [action] = assertion["data"]["actions"]
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"] == SOURCE_TYPE
    assert action["softwareAgent"] == {"name": "Ekaki", "version": "1.2.3"}
    [program] = found["claim_generator_info"]
    assert (program["name"], program["version"]) == ("Ekaki", "1.2.3")
    assert "thumbnail" not in found
    assert source_type(signed) == SOURCE_TYPE
    with Image.open(io.BytesIO(signed)) as after, Image.open(io.BytesIO(content)) as before:
        assert after.tobytes() == before.tobytes()
    if kind == "png":
        assert read_parameters(signed) == "1girl\nSteps: 28"


def test_a_changed_file_is_found_out(tmp_path: Path) -> None:
    signed = bytearray(signer(tmp_path)(png(), "png"))
    signed[-30] ^= 1
    assert validation_state(bytes(signed), "png") == "Invalid"


@pytest.mark.parametrize("key", ["P-384", "P-521", "Ed25519", "RSA"])
def test_the_algorithm_follows_from_the_key(tmp_path: Path, key: str) -> None:
    manifest(signer(tmp_path, kind=key)(png(), "png"), "png")


def test_copies_are_signed_as_well(tmp_path: Path) -> None:
    sign = signer(tmp_path)
    large = png()
    content, suffix = fit(large, len(large), sign)
    assert suffix == "webp"
    manifest(content, "webp")
    manifest(sign(shrink(png(), 64), "webp"), "webp")


def test_several_threads_sign_at_the_same_time(tmp_path: Path) -> None:
    sign = signer(tmp_path)
    with ThreadPoolExecutor(4) as pool:
        for signed in [pool.submit(sign, png(), "png") for _ in range(12)]:
            manifest(signed.result(), "png")


def test_what_cannot_be_signed_stays_as_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sign = signer(tmp_path)
    assert sign(b"no picture", "png") == b"no picture"
    assert "without C2PA's signature" in caplog.text


def test_after_the_certificates_time_pictures_still_arrive(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sign = signer(tmp_path, days=-1)
    assert "expired" in caplog.text
    content = png()
    assert sign(content, "png") == content


def test_wrong_files_say_what_is_wrong_and_never_show_the_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    good = make_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other = make_certificate(tmp_path / "other")
    empty = tmp_path / "empty.pem"
    empty.touch()
    missing = tmp_path / "missing.pem"
    cases = [
        (missing, good.key, "c2pa_certificate", "No such file"),
        (empty, good.key, "c2pa_certificate", "no certificate in it"),
        (good.key, good.key, "c2pa_certificate", "no certificate in it"),
        (good.certificate, missing, "c2pa_key", "No such file"),
        (good.certificate, empty, "c2pa_key", "no private key in it"),
        (good.certificate, other.key, "c2pa_key", "does not belong"),
    ]
    shown = ""
    for certificate, key, wanted, problem in cases:
        with pytest.raises(InputError, match=problem) as raised:
            Signer(certificate, key, version="1")
        assert raised.value.key == wanted
        shown += str(raised.value)
    secret = good.key.read_text().splitlines()[1]
    assert secret not in shown + caplog.text


@pytest.mark.parametrize(
    ("how", "wanted", "problem"),
    [
        ({"password": b"hidden"}, "c2pa_key", "password"),
        ({"for_mail": False}, "c2pa_certificate", "certificate is invalid"),
        ({"kind": "DSA"}, "c2pa_key", "must be of P-256"),
    ],
)
def test_certificates_that_may_not_sign(
    tmp_path: Path, how: dict[str, Any], wanted: str, problem: str
) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        signer(tmp_path, **how)
    assert raised.value.key == wanted
