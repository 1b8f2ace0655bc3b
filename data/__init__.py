"""Storage (SQLite, picture files) and shipped data (vocabulary, texts)."""
