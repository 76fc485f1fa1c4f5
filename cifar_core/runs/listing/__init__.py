"""The table of runs: columns, filter, seed groups, saved listings, goals."""
