"""What the page gives out is signed with the certificate that is set now."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from pipeline.metadata.credentials import Signer
from tests.bot.web.gallery import Shown, page_over
from tests.support.certificates import Files, make_certificate
from tests.support.credentials import is_signed, manifest

pytestmark = pytest.mark.skipif(find_spec("c2pa") is None, reason="c2pa-python is not installed")


def settings_of(files: Files) -> dict[str, Any]:
    return {"c2pa_certificate": str(files.certificate), "c2pa_key": str(files.key)}


async def serial(http: ClientSession, address: str, *, kind: str) -> str:
    """Of the certificate that signed a file; "" for none."""
    async with http.get(address) as answer:
        assert answer.status == 200
        content = await answer.read()
    known = "png" if kind == "png" else "webp"
    if not is_signed(content, known):
        return ""
    return str(manifest(content, known)["signature_info"]["cert_serial_number"])


@pytest.mark.parametrize("name", ["320.webp", "original.png"])
async def test_copies_follow_the_certificate(
    own_gallery: Shown, http: ClientSession, tmp_path: Path, name: str
) -> None:
    path, kind = f"/i/{own_gallery.safe[0]}/{name}", name.rpartition(".")[2]
    seen: list[str] = []
    for number in range(2):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with page_over(own_gallery.folder, **settings_of(make_certificate(folder))) as page:
            seen.append(await serial(http, page + path, kind=kind))
            assert await serial(http, page + path, kind=kind) == seen[-1]
    async with page_over(own_gallery.folder) as page:
        seen.append(await serial(http, page + path, kind=kind))
    assert seen[0] != seen[1]
    assert "" not in seen[:2]
    assert not seen[2]


@pytest.mark.parametrize("name", ["320.webp", "original.png"])
async def test_a_copy_that_could_not_be_signed_is_not_kept(
    own_gallery: Shown, http: ClientSession, tmp_path: Path, name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path, kind = f"/i/{own_gallery.safe[0]}/{name}", name.rpartition(".")[2]

    def fails(*_: object) -> bytes:
        raise OSError("no more random numbers")

    async with page_over(own_gallery.folder, **settings_of(make_certificate(tmp_path))) as page:
        with monkeypatch.context() as broken:
            broken.setattr(Signer, "_sign", fails)
            async with http.get(page + path) as answer:
                assert answer.status == 200
                assert answer.headers["Cache-Control"] == "no-store"
                etag = answer.headers["ETag"]
                assert not is_signed(await answer.read(), "png" if kind == "png" else "webp")
        async with http.get(page + path, headers={"If-None-Match": etag}) as answer:
            assert answer.status == 200
        assert await serial(http, page + path, kind=kind)


async def test_copies_of_a_version_that_kept_unsigned_ones_are_made_again(
    own_gallery: Shown, http: ClientSession, tmp_path: Path
) -> None:
    path, settings = f"/i/{own_gallery.safe[0]}/320.webp", settings_of(make_certificate(tmp_path))
    async with page_over(own_gallery.folder) as page:
        assert not await serial(http, page + path, kind="webp")
    note = own_gallery.folder / "thumbnails/signer"
    name = Signer(Path(settings["c2pa_certificate"]), Path(settings["c2pa_key"]), version="1").name
    note.parent.mkdir(exist_ok=True)
    note.write_text(name)
    async with page_over(own_gallery.folder, **settings) as page:
        assert await serial(http, page + path, kind="webp")


async def test_a_deleted_picture_leaves_no_signed_copy(
    own_gallery: Shown, http: ClientSession, tmp_path: Path
) -> None:
    path = f"/i/{own_gallery.safe[0]}/original.png"
    async with page_over(own_gallery.folder, **settings_of(make_certificate(tmp_path))) as page:
        await serial(http, page + path, kind="png")
        [copy] = own_gallery.folder.glob("thumbnails/signed/*/*.png")
        (own_gallery.folder / "pictures" / copy.parent.name / copy.name).unlink()
        async with http.get(page + path) as answer:
            assert answer.status == 404
