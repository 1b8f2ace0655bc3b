"""What is kept (SQLite, picture files) and what is shipped (vocabulary, texts)."""
