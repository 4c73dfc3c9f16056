"""Pure pieces that any node stands on."""
