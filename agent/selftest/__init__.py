"""This machine -> whether the promise holds on it: the real gate, marked traffic, and a search of the process' memory.

Four processes, so that what is searched for is never in the process that is searched: one makes the traffic, one sends
it, one watches it, and the caller searches the memory of the one that watches.
"""
