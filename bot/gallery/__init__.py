"""The gallery: what is shared and starred, and what may be shown. The messages follow in `cogs`."""
