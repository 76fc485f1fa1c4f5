"""What a trainer prints into its attempt's log."""

import time


def say(text: str) -> None:
    """Print a line into the attempt's log."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)
