"""What moderators set and decide: server settings, blocks, reports, reviews."""
