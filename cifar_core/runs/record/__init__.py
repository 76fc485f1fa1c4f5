"""One run's folder: its files, what they may hold, why a run failed; and the handle `Run`."""
