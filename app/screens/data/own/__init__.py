"""The dialog that takes a person's own images: drop them, look at what was found, name the set."""
