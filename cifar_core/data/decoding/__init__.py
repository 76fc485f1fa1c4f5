"""Decodes the pictures of a set on all cores, in the background, and goes on where it stopped."""
