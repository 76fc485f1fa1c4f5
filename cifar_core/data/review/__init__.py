"""Looks a set of images over: sizes, duplicates, and images that several parts share."""
