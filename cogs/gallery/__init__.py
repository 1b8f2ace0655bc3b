"""The gallery: its command, pages and buttons."""
