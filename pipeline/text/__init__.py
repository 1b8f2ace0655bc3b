"""Prompts become embeddings: tokenizer, text encoders, cache."""
