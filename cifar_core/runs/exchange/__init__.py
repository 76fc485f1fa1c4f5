"""Export of a run, its curves or its network for other programs, and import of runs."""
