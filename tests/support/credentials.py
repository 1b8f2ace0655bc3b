"""What c2pa's reader says about a file. Only where `c2pa` is installed."""

import io
import json
from importlib import import_module
from typing import Any

from pipeline.metadata.credentials import Kind

_UNTRUSTED = "signingCredential.untrusted"  # nobody knows the authority of a test


def validation_state(content: bytes, kind: Kind) -> str:
    """`Valid`, or `Invalid` where signature and content don't belong together."""
    with _reader()(f"image/{kind}", io.BytesIO(content)) as reader:
        return reader.get_validation_state()


def manifest(content: bytes, kind: Kind) -> dict[str, Any]:
    """The manifest of a file. AssertionError if it is not valid."""
    with _reader()(f"image/{kind}", io.BytesIO(content)) as reader:
        assert reader.get_validation_state() == "Valid"
        said = json.loads(reader.json())
    assert {each["code"] for each in said.get("validation_status", [])} <= {_UNTRUSTED}
    return said["manifests"][said["active_manifest"]]


def is_signed(content: bytes, kind: Kind) -> bool:
    """Whether there is a manifest at all; AssertionError if it is not valid."""
    if _reader().try_create(f"image/{kind}", io.BytesIO(content)) is None:
        return False
    return bool(manifest(content, kind))


def _reader() -> Any:
    return import_module("c2pa").Reader
