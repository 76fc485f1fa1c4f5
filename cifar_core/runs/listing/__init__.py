"""The table of runs: columns, filter, groups of seeds, saved listings, goals."""
