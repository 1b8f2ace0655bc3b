"""Choices in prompts: `{red|blue} hair`, `{2$$, $$a|b|c}`, `__pose__`."""
