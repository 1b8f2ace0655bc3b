"""What moderators and the bot's owner do: blocks, reviews, reports, the log."""
