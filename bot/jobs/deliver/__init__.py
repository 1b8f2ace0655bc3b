"""Events of jobs, for the code that shows them."""
