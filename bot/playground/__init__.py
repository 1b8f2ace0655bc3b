"""A page that behaves like Discord, over the simulated Discord, with the real bot."""
