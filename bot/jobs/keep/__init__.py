"""Drawn pictures are checked, stored, and removed when they expire."""
