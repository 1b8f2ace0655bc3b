"""What the rest of `bot` stands on: clock, logs, wording, secrets."""
