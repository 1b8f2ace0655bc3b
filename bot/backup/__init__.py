"""Backups: making, checking and restoring them, and the way back from an upgrade."""
