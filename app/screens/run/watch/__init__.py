"""The Watch tab: is it going well?"""
