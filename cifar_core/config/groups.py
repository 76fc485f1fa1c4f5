"""The headings under which the settings of a run are shown, in this order.

On the Train page the first three are cards; each of the others is a row that states its values.
"""

DATA, NETWORK, LENGTH = "Images", "Network", "How long"
CHANGES, LEARNING, STARTING = "Changes to images", "Learning", "Starting point"
KEPT_BACK, MACHINE = "Images kept back", "Where it runs"
REPEATS, STOPPING = "Repeats and sweeps", "Stopping"

CARDS = (DATA, NETWORK, LENGTH)
ROWS = (CHANGES, LEARNING, STARTING, KEPT_BACK, MACHINE, REPEATS, STOPPING)
GROUPS = (*CARDS, *ROWS)
