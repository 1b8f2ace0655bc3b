"""The command line: one module per command. Importing them loads no large library."""
