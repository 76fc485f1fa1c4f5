"""Curves of other tools' runs, brought in for comparison: read, named in our words, kept."""
