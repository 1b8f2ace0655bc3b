"""What is shipped with the project: texts, vocabularies, the demo model's place."""
