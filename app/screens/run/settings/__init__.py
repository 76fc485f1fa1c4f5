"""The Settings tab: what it was trained with, and how to get the same again."""
