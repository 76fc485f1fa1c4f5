"""The headings under which the settings of a run are shown, in this order."""

DATA, NETWORK, OPTIMISATION = "Data", "Network", "Optimisation"
STOPPING, MACHINE = "Stopping", "Machine and reproducibility"
