"""Command lines -> what they ask for, and an exit code."""
