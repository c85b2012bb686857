"""Naming: from what an introduction said, and what DNS said before, to a flow's name and where it came from."""
