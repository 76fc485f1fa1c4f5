"""Training: batches and a config go in, events come out. Nothing is written to disk."""
