"""Hashes of today's devices -> sketches in a Redis or Valkey that agents share, and from there numbers of devices."""
