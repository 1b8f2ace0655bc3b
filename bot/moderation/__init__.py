"""What moderators rely on: the audit log, blocks, maintenance, a server's settings and limits."""
