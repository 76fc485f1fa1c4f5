"""How many images go through a network at once, so that memory does not grow with their size."""

FORWARD = 1024**2  # pixels of a batch that only goes forward: 20 images of 224 x 224
BACKWARD = FORWARD // 4  # of one that also goes back, for which all layers' outputs are kept


def images_at_once(side: int, pixels: int = FORWARD) -> int:
    """Return how many images of side x side pixels a batch has room for; at least 1."""
    return max(1, pixels // side**2)
