"""How far stored times can be trusted: seconds since the epoch, by the clock at that time."""

from typing import Final

CLOCK_STEP_S: Final = 60.0
"""How far in the future a stored time may be and still count as now: simultaneous requests are
recorded in any order, and clocks are corrected by seconds. A time further ahead was recorded by a
clock that was ahead and has been set back since."""
