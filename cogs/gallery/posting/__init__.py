"""Keeps gallery channels in sync with the gallery."""
