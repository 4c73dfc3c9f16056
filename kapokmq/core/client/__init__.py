"""What clients in Python are made of: sans-I/O, for every loop."""
