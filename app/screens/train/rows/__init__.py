"""The closed rows of all other settings: what each states, and what it holds."""
