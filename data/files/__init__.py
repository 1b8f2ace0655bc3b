"""Picture files, thumbnails, and what they take on the disk."""
