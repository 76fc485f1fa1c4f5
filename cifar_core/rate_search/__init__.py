"""Finds a good learning rate: a sweep that brackets, then a race of candidates that cools down."""
