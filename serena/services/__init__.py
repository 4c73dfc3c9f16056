"""What starts and stops, and what a node of any kind needs for it."""
