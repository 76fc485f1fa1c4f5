"""The order in which runs wait for a device."""
