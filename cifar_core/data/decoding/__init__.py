"""Decodes the pictures of a set on all cores, in the background, and continues after a break."""
