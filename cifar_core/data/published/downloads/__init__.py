"""Downloads of published sets by torchvision's code, with our progress, resume and checks."""
