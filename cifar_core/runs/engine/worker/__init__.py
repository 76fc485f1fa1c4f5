"""What a trainer does in its own process: one attempt of a run, from start to end."""
