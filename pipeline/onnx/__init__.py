"""Graphs as files: wire format, external data, changes."""
