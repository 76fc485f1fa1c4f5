"""Finds out which pictures belong to which part and class, from names and tables of labels."""
