"""Everything about CIFAR Lab that only a GPU can show: `python -m benchmarks.gpu`."""
