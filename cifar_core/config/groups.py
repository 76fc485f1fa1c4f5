"""The headings under which the settings of a run are shown, in this order."""

DATA, NETWORK, OPTIMIZATION = "Data", "Network", "Optimization"
STOPPING, MACHINE = "Stopping", "Machine and reproducibility"
