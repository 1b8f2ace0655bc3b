"""Numbered SQL files, each one atomic step of the schema."""
