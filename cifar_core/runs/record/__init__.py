"""One run's folder: every file in it, which process writes it, what it may hold; and `Run`."""
