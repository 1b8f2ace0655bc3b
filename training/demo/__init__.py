"""How the demo model is made: drawings, text side, latents, UNet, decoder, export, checks."""
