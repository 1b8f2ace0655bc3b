"""The gallery: what is shared and starred, and what may be shown. `cogs` updates the messages."""
