"""Helps rare classes: weights in the loss, and an order in which classes occur equally often."""
