"""Flow rows, tick by tick -> how long devices made incidental use, and what of it went beyond their allowance."""
