"""Turns requests into pictures. Does not depend on Discord, SQLite or our other packages."""
