"""Command lines -> what they ask for, and an exit code.

Libraries for people's eyes (rich) and for making traffic (scapy) are imported where they are used: machines that replay
a file with --json should not wait for them.
"""
