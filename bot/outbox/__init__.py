"""What is to be told to Discord in the background: kept until it is done, and given up in words."""
