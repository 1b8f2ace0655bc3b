"""A job's pictures are drawn: queue, devices, worker threads."""
