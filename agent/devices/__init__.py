"""Flow rows, tick by tick -> today's devices as keyed hashes, to be counted across taps, and no word of which they are."""
