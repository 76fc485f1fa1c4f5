"""Downloads of published sets by torchvision's code, or from the hub, with progress and resume."""
