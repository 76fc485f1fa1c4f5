"""How busy a machine, its GPUs and a run's processes are at a moment, as far as the system says."""
