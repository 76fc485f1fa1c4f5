"""How numbers are written in sentences."""

NARROW = "\u00a0"  # between a number and its unit, so that a line never breaks there


def percent(share: float, digits: int = 1) -> str:
    """Write a share in [0, 1] in percent, in the one form of all sentences: 21.3 %."""
    return f"{100 * share:.{digits}f}{NARROW}%"
