"""Runs that a draft takes something from: the weights that it starts from, and its teachers."""
