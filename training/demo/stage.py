"""What a stage is."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

from training.demo.state import State

Stage: TypeAlias = Callable[[State, argparse.Namespace], bool]
"""Does its work and says whether it is finished."""
