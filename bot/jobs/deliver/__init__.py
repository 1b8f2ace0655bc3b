"""What happens to jobs, for whoever shows them."""
