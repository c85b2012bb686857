"""The gate: the C core that sees every packet, counts it, and lets out only what the table of windows allows."""
