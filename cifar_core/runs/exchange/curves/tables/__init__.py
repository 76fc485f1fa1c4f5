"""Tables of other tools: their rows, and which column is what."""
