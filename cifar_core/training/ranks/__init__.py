"""Several processes, called ranks, that train one network on several devices."""
