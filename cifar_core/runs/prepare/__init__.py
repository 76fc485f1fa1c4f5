"""What is found out before the first step: weights, kept features, time, the largest batch."""
