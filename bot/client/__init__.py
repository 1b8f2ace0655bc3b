"""The Discord client, and what it adds to discord.py."""
