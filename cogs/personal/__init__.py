"""What people see and set for themselves: history, defaults, presets, privacy."""
