"""The queue of a store: its order, who may change it, its pause, and what failed in it."""
