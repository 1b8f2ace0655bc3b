"""Tables about people: favourites, presets, defaults, history, sessions."""
