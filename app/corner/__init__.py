"""The corner of every page: the machines, what ended lately, and who is visiting."""
