"""Tests whether a difference is more than chance: over seeds, on the same images, for one share."""
