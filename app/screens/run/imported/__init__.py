"""What the Run page shows of a run that has only imported curves."""
