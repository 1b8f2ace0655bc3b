"""A request becomes pictures. Knows nothing of Discord or SQLite, imports nothing else of ours."""
