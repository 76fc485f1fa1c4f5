"""Random changes of the training images."""
