"""Reads how a foreign picture was made from the text in its file, within hard bounds."""
