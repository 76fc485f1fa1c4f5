"""Finds a good learning rate: a range test brackets it, then a few candidates race."""
