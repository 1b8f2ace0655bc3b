"""Finds faces in finished pictures, and draws small ones again, larger."""
