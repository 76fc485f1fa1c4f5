"""The ranks of an attempt on several devices: started, agreed with, told, and lost."""
