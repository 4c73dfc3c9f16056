"""One connection's conversation as a state machine, whatever carries it."""
