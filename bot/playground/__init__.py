"""A page that behaves like Discord, over the loopback Discord, with the real bot."""
