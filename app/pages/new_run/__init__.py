"""The New run page."""
