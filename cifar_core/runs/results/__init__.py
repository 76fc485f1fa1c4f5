"""What can be asked of a run that has weights: predictions, explanations, comparisons."""
