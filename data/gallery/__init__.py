"""Tables of the gallery: entries, votes, posts, search."""
