"""One run's folder: every file in it, who writes it, what it may hold; and the handle `Run`."""
