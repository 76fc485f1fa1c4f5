"""Pictures that a person brings or picks, and how many of them are shown."""
