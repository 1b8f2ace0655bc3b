"""The samplers in numpy, equal to diffusers' schedulers step by step."""
