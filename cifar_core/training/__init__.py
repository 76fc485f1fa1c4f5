"""Training: batches and a config go in, events come out. Touches no disk."""
