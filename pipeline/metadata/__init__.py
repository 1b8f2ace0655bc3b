"""How a stranger's picture was made: the text in its file, read within hard bounds."""
