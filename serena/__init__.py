"""Serena knows who is there: membership, registry, discovery and load balancing, and what a node of any kind needs."""
