"""A request becomes a job: defaults, rules, limits."""
