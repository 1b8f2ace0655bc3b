"""The shipped tags, loaded once for all tests of a process: nothing changes them."""

from functools import cache

from data.shipped.vocabularies import load_vocabulary
from pipeline.tags.index import TagIndex


@cache
def vocabulary() -> TagIndex:
    return load_vocabulary(None)
