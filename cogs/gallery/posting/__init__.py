"""Keeps a gallery channel equal to the gallery."""
