"""How one training step is computed: number format, memory order, pieces, compiling."""
