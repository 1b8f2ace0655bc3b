"""Tables about jobs: pictures, uploads, checks, quota."""
