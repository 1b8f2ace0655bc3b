"""What people store and reuse: pictures, presets, exports, suggestions."""
