"""Picture files, thumbnails, and their size on the disk."""
