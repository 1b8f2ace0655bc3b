"""A request becomes pictures. Knows nothing of Discord or SQLite and imports nothing else of ours."""
