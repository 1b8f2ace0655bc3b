"""LoRA files, and models with their weights merged."""
