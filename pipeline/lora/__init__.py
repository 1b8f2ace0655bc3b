"""LoRAs that are chosen per picture: values and the syntax that people type."""
