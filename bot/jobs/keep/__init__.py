"""Drawn pictures are checked, stored, and removed when their time is over."""
