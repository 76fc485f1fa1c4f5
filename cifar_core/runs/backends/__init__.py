"""Where attempts run: this machine, or an engine such as Slurm or Ray that has many machines."""
