"""The checks of `python -m bot doctor`: what was found, and how to fix it."""
