"""Health checks and metrics on an address of their own, off by default."""
