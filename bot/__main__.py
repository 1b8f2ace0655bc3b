"""`python -m bot`."""

import sys

try:
    from bot.cli.main import main

    status = main()
except KeyboardInterrupt:  # also while modules are imported
    status = 130
sys.exit(status)
