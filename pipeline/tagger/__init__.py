"""The output tagger: what a finished picture shows and how suitable it is, by a WD v3 model."""
