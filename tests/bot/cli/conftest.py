"""The random model that the tests of the pipeline export and keep."""

from tests.pipeline.conftest import tiny_path

__all__ = ["tiny_path"]
