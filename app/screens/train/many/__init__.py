"""Settings with several values: every combination, or a search for the best."""
