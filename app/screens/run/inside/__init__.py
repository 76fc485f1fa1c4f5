"""The Inside tab: what the layers of the network do."""
