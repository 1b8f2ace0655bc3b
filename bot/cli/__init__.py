"""The command line: one module per command. Importing them brings nothing heavy."""
