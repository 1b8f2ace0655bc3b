"""The command line: one module a command. Importing them brings nothing heavy."""
