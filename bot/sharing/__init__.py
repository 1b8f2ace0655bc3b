"""Shares the machine with its owner's other work: hours, pauses, and yielding to programs."""
