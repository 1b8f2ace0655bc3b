"""The output tagger: rates what a finished picture shows, with a WD v3 model."""
