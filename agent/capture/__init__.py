"""Taps: where a daemon's packets come from. Each owns a gate and hands over its slices."""
