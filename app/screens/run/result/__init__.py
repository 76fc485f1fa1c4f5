"""The Result tab: how good is the network, and where does it err?"""
