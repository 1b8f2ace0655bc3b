"""Midjourney's prompt: the PNG text `Description`, with parameters and the job's id at its end."""

import re
from types import MappingProxyType
from typing import Final

from pipeline.aspect import nearest_bucket
from pipeline.metadata.bounds import parse_integer
from pipeline.metadata.parameters import LeftOut, Parameters

_MAX_TEXT: Final = 16 * 1024
_JOB = re.compile(r"\s{0,8}Job ID: [0-9a-f-]{36}\b")
_FLAG = re.compile(r"(?<!\S)(?:--|—)([a-zA-Z][\w-]{0,30})")
_LINK = re.compile(r"(?<!\S)<?https?://\S{1,500}")
_WEIGHT = re.compile(r"::-?\d{0,4}(?:\.\d{0,4})?")
_RATIO = re.compile(r"(\d{1,4}):(\d{1,4})")
_REFERENCES: Final = frozenset({"sref", "cref", "oref"})


def read(description: str) -> Parameters | None:
    """What `Description` says; None where it isn't Midjourney's."""
    job = _JOB.search(description[:_MAX_TEXT])
    if job is None:
        return None
    text = description[: job.start()]
    flags = list(_FLAG.finditer(text))
    starts = [flag.start() for flag in flags] + [len(text)]
    pairs = {flag[1].lower(): text[flag.end() : end].strip(" \t\n,")
             for flag, end in zip(flags, starts[1:], strict=True)}  # fmt: skip
    words = text[: starts[0]]
    ratio = _RATIO.fullmatch(pairs.get("ar", "") or pairs.get("aspect", ""))
    bucket = None
    if ratio is not None and int(ratio[1]) and int(ratio[2]):
        bucket = nearest_bucket(width=int(ratio[1]), height=int(ratio[2]))
    linked = _LINK.search(words) is not None or _REFERENCES & pairs.keys()
    bare = re.sub(r"\s+", " ", _WEIGHT.sub(",", _LINK.sub("", words)))
    return Parameters(
        prompt=bare.replace(" ,", ",").strip(" ,"),
        negative_prompt=pairs.pop("no", ""),
        seed=parse_integer(pairs.get("seed", "")),
        width=None if bucket is None else bucket.width,
        height=None if bucket is None else bucket.height,
        pairs=MappingProxyType(pairs),
        left_out=MappingProxyType({LeftOut.REFERENCE: ()} if linked else {}),
    )
