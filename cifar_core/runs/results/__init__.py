"""What a run's saved weights make possible: predictions, explanations, comparisons."""
