"""Computes figures from a network's predictions on many images: logits and labels in."""
