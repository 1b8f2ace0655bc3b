"""Turns requests into pictures. Does not depend on Discord, SQLite or our other packages."""

import os

# ONNX Runtime, from 1.29 on, otherwise sends events about models, sessions and errors to Microsoft,
# with an id of the device. It looks at this once, while it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
