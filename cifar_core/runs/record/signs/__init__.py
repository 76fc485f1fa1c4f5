"""Signs of life: how often trainers give them, and when a missing one is worth a word."""
