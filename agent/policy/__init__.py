"""Rule files -> a Policy: what traffic is called, and what the written policy says of it now."""
