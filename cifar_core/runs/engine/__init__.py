"""Who works off the queue: executor, supervisor, shim and workers."""
