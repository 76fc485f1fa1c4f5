"""A run, its curves or its network for another program, and the way back in."""
