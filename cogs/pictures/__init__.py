"""What people do with a finished picture: its buttons, menus and settings."""
