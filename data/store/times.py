"""What stored times may be relied on for: seconds since the epoch, as the clock stood then."""

from typing import Final

CLOCK_STEP_S: Final = 60.0
"""How far ahead of now a stored time may lie and still be one of now: requests of one moment are
entered in any order, and clocks are corrected by seconds. What lies further ahead was entered by a
clock that was ahead and was set back since."""
