"""The configuration in force -> the notice of electronic monitoring that it calls for, and what changed since it was posted."""
