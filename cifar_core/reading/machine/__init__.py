"""Reads how a run used its machine: what held it up, or will."""
