"""The library of LoRAs: files that an operator added for members to choose."""
