"""torch's random numbers, without torch."""
