"""The runs that a run comes from, as its about.json names them."""
