"""From a command to the picture in Discord: submission, presenting, delivery."""
