"""What starts and stops, and the composition root."""
