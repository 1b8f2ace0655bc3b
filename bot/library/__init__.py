"""What people keep: pictures, presets, exports, suggestions."""
