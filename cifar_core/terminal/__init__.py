"""The commands of `python -m cifar_core`: one module per subject, each with add(commands)."""
