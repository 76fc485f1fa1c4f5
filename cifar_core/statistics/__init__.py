"""Is a difference more than chance: over seeds, on the same images, and for one share."""
