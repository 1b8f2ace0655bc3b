"""The six samplers of the model card in numpy, equal to diffusers' schedulers step by step."""
