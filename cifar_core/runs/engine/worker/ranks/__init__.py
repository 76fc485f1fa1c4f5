"""The ranks of an attempt on several devices: how they start, agree, follow the first one, and end."""
