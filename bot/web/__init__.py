"""The gallery's public web page."""
