"""Reads files that hold many images at once: arrays, pickles, labels, also inside an archive."""
