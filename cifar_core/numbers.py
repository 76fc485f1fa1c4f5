"""How numbers are written in sentences."""

NARROW = "\u00a0"  # between a number and its unit, so that a line never breaks there


def percent(share: float, digits: int = 1) -> str:
    """Write a share in [0, 1] in percent, in the one form of all sentences: 21.3 %."""
    return f"{100 * share:.{digits}f}{NARROW}%"


def counted(number: float, thing: str, form: str = ",.12g") -> str:
    """Write a number with its noun, which takes an s in the plural: 1 epoch, 2 epochs."""
    written = f"{number:{form}}"
    return f"{written} {thing}" + ("" if written == "1" else "s")
