"""Tables about servers: settings, limits, blocks, reports, audit log, outbox."""
