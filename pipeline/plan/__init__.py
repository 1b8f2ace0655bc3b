"""Decides what fits on this machine: memory, card, and the variant to draw with."""
