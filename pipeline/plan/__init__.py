"""What fits into this machine: memory, card, the variant to draw with."""
