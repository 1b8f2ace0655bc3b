"""What all cogs share: answers, errors, forms, permissions, places."""
