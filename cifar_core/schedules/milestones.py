"""Reads the points of a run at which the rate drops: "50, 75" for 50 % and 75 %."""


def parsed_milestones(text: str) -> list[float]:
    """Return the shares of the run; a word that is not a number raises ValueError."""
    return [float(word) / 100 for word in text.replace("%", " ").split(",")]


def is_milestones(text: str) -> bool:
    """Return True if the text is a list of percentages between 0 and 100."""
    try:
        return all(0 < share < 1 for share in parsed_milestones(text))
    except ValueError:
        return False
