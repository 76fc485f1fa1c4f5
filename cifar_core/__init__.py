"""Train, evaluate and explain image classifiers. Knows nothing about any user interface."""
