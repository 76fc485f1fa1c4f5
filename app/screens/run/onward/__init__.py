"""What can begin with the weights of a run: more epochs, another run, a smaller network."""
