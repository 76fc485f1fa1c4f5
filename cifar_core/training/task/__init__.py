"""What a training step means: the images that the network gets, and the loss of its answers."""
