"""The state of the queue in words, for every page."""
