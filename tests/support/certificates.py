"""Certificates for tests, as an authority makes them for signers of C2PA.

Only where `cryptography` is installed, which comes with the extra `c2pa`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Files:
    """`certificate`: the chain, the signer's first."""

    certificate: Path
    key: Path


def make_certificate(
    folder: Path,
    *,
    kind: str = "P-256",
    days: int = 365,
    for_mail: bool = True,
    password: bytes | None = None,
) -> Files:
    """A signer's certificate that ends in `days` (less than 0: it is over) and its authority's.
    `kind`: of the signer's key. `for_mail`: without it no C2PA signature may be made."""
    authority, signer = _key("P-256"), _key(kind)
    until = datetime.now(UTC) + timedelta(days=days)
    root = _certificate(
        "Test authority", authority.public_key(), "Test authority", authority, until
    )
    leaf = _certificate(
        "Ekaki test", signer.public_key(), "Test authority", authority, until, for_mail=for_mail
    )
    files = Files(folder / "c2pa.pem", folder / "c2pa.key")
    serialization = _module("hazmat.primitives.serialization")
    pem, layout = serialization.Encoding.PEM, serialization.PrivateFormat
    files.certificate.write_bytes(leaf.public_bytes(pem) + root.public_bytes(pem))
    hidden = (
        serialization.NoEncryption()
        if password is None
        else serialization.BestAvailableEncryption(password)
    )
    # Both are common: `openssl ecparam -genkey` writes the one, `openssl genpkey` the other.
    written = layout.TraditionalOpenSSL if kind == "P-256" else layout.PKCS8
    files.key.write_bytes(signer.private_bytes(pem, written, hidden))
    files.key.chmod(0o600)
    return files


def _certificate(
    subject: str,
    public: Any,
    issuer: str,
    signed_by: Any,
    until: datetime,
    *,
    for_mail: bool | None = None,
) -> Any:
    """An authority's, or a signer's where `for_mail` is said."""
    x509 = _module("x509")
    is_authority = for_mail is None
    made = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - timedelta(days=3650))
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority, key_cert_sign=is_authority,
                crl_sign=is_authority, content_commitment=False, key_encipherment=False,
                data_encipherment=False, key_agreement=False, encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()),
            critical=False,
        )
    )  # fmt: skip
    if for_mail:
        usage = x509.ExtendedKeyUsage([x509.oid.ExtendedKeyUsageOID.EMAIL_PROTECTION])
        made = made.add_extension(usage, critical=False)
    return made.sign(signed_by, _module("hazmat.primitives.hashes").SHA256())


def _name(name: str) -> Any:
    x509 = _module("x509")
    names = x509.oid.NameOID
    return x509.Name(
        [
            x509.NameAttribute(names.ORGANIZATION_NAME, "Ekaki"),
            x509.NameAttribute(names.COMMON_NAME, name),
        ]
    )


def _key(kind: str) -> Any:
    if kind == "Ed25519":
        return _module("hazmat.primitives.asymmetric.ed25519").Ed25519PrivateKey.generate()
    if kind == "RSA":
        return _module("hazmat.primitives.asymmetric.rsa").generate_private_key(65537, 2048)
    if kind == "DSA":
        return _module("hazmat.primitives.asymmetric.dsa").generate_private_key(2048)
    ec = _module("hazmat.primitives.asymmetric.ec")
    curve = {"P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}[kind]
    return ec.generate_private_key(curve())


def _module(name: str) -> Any:
    return import_module(f"cryptography.{name}")
