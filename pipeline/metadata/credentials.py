"""Content Credentials (C2PA): a signed statement in a picture's file of what made it.

A manifest as in the C2PA Technical Specification 2.1: the action `c2pa.created` with IPTC's digital
source type and the program, signed with the operator's certificate. c2pa-python and cryptography,
an extra, are imported only where there is a certificate. A signature has random numbers in it, so
copies are signed as they leave: stored files keep the hash of their content.
"""

import hashlib
import io
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from pipeline.errors import InputError
from pipeline.metadata.provenance import SOURCE_TYPE

_log = logging.getLogger(__name__)

Kind = Literal["png", "webp", "jpeg"]

_SETTINGS: Final = {
    # A small copy of the picture in the manifest would be as large as the picture's own WebP.
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
}


class Sign(Protocol):
    """Returns the file `content` with a signature, or as it is. Takes some hundredths of a second
    and never raises. `name`: of who signs; "" for nobody."""

    @property
    def name(self) -> str: ...

    def __call__(self, content: bytes, kind: Kind) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Leaves files as they are."""

    name: str = ""

    def __call__(self, content: bytes, kind: Kind) -> bytes:  # noqa: ARG002 - see `Sign`
        return content


unsigned: Final = Unsigned()


class Signer:
    """Signs files. `holder`: whom the certificate names; `name`: its fingerprint; `expires`."""

    def __init__(self, certificate: Path, key: Path, *, version: str) -> None:
        """Read both PEM files. InputError `c2pa_library`, `c2pa_certificate` or `c2pa_key`; after
        the certificate's time nothing is signed, which is no error."""
        if find_spec("c2pa") is None:
            raise InputError("c2pa_library")
        self._c2pa: Any = import_module("c2pa")
        leaf = _certificate(certificate)
        algorithm, pkcs8 = _key(key, leaf)
        self.holder: str = leaf.subject.rfc4514_string()
        self.name = hashlib.sha256(leaf.tbs_certificate_bytes).hexdigest()[:16]
        self.expires: datetime = leaf.not_valid_after_utc
        self._manifest = json.dumps(_manifest(version))
        info = self._c2pa.C2paSignerInfo(algorithm, certificate.read_bytes(), pkcs8, None)
        try:
            signer = self._c2pa.Signer.from_info(info)
            self._context: Any = self._c2pa.Context.from_dict(_SETTINGS, signer=signer)
            if self.is_valid(datetime.now(UTC)):
                self._sign(_tiny_png(), "png")
            else:
                _log.error("%s expired on %s: nothing is signed", certificate, self.expires)
        except self._c2pa.C2paError as error:
            raise InputError(
                "c2pa_certificate", path=str(certificate), problem=str(error)
            ) from error

    def is_valid(self, now: datetime) -> bool:
        """Whether the certificate's time is not over; afterwards c2pa refuses to sign."""
        return now < self.expires

    def __call__(self, content: bytes, kind: Kind) -> bytes:
        """See `Sign`."""
        try:
            return self._sign(content, kind)
        except Exception as error:  # noqa: BLE001 - whatever it is, the picture must arrive
            _log.error("A picture is sent without C2PA's signature: %s", error)
            return content

    def _sign(self, content: bytes, kind: Kind) -> bytes:
        signed = io.BytesIO()
        with self._c2pa.Builder(self._manifest, self._context) as builder:
            builder.sign(f"image/{kind}", io.BytesIO(content), signed)
        return signed.getvalue()


def _manifest(version: str) -> dict[str, Any]:
    program = {"name": "Ekaki", "version": version}
    created = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPE,
        "softwareAgent": program,
    }
    return {
        "claim_generator_info": [program],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }


def _certificate(path: Path) -> Any:
    """The signer's, which is the first of the chain. InputError `c2pa_certificate`."""
    x509: Any = import_module("cryptography.x509")
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())[0]
    except OSError as error:
        problem = error.strerror or str(error)
    except ValueError:
        problem = "there is no certificate in it, in PEM format"
    raise InputError("c2pa_certificate", path=str(path), problem=problem)


def _key(path: Path, leaf: Any) -> tuple[str, bytes]:
    """The algorithm of the private key, and the key in PKCS #8. InputError `c2pa_key`; what is in
    the file is in no error."""
    unsupported: Any = import_module("cryptography.exceptions").UnsupportedAlgorithm
    serialization: Any = import_module("cryptography.hazmat.primitives.serialization")
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise InputError("c2pa_key", path=str(path), problem=error.strerror or "") from error
    except TypeError:
        raise InputError("c2pa_key", path=str(path), problem="it has a password") from None
    except (ValueError, unsupported):
        problem = "there is no private key in it, in PEM format"
        raise InputError("c2pa_key", path=str(path), problem=problem) from None
    public = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*public) != leaf.public_key().public_bytes(*public):
        problem = "it does not belong to the first certificate of C2PA_CERTIFICATE"
        raise InputError("c2pa_key", path=str(path), problem=problem)
    algorithm = _algorithm(key)
    if algorithm is None:
        problem = "it must be of P-256, P-384, P-521, Ed25519 or RSA"
        raise InputError("c2pa_key", path=str(path), problem=problem)
    pkcs8 = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return algorithm, pkcs8


def _algorithm(key: Any) -> str | None:
    ec, ed25519, rsa = (
        import_module(f"cryptography.hazmat.primitives.asymmetric.{name}")
        for name in ("ec", "ed25519", "rsa")
    )
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}.get(
            key.curve.name
        )
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    return "ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else None


def _tiny_png() -> bytes:
    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (8, 8)).save(file, "PNG")
    return file.getvalue()
