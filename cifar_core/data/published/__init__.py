"""The published sets of images: where they come from, and how a copy of one is recognized."""
