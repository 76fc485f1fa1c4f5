"""The ranks of an attempt on several devices: how they start, agree, follow and end."""
