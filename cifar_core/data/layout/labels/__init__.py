"""Reads the classes of pictures from tables, and from the names of files."""
