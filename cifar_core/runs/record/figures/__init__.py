"""What a run achieved, as its small files keep it."""
