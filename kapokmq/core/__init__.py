"""The broker itself: no I/O, no clock, no randomness. All three are handed in."""
