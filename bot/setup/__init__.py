"""`python -m bot setup`: asks for the settings, and stores each answer at once."""
