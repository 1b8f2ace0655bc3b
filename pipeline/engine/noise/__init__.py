"""The random numbers of torch, without torch."""
