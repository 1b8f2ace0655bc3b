"""What the rest of `bot` builds on: clock, logs, wording, secrets."""
